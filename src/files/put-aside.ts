/** Writes the command that moves away what stands at a path, for the user to type. */
import { printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { lstatIfPresent } from './present.ts';

/** Moves what is at `path` to a name beside it that is free: `mv` would put a file in the place of another. */
export function putAside(path: string): string {
  let aside = `${path}-mine`;
  for (let number = 2; lstatIfPresent(aside) !== null; number += 1) aside = `${path}-mine-${number}`;
  return `mv ${shellWord(printable(path))} ${shellWord(printable(aside))}`;
}
