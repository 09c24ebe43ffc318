/** Writes the command that moves away what stands at a path, for the user to type. */
import { printable } from '../core/printable.ts';
import { asideName, shellWord } from '../core/shell-word.ts';
import { lstatIfPresent } from './present.ts';

/** Moves what is at `path` to a name beside it that is free: `mv` would put a file in the place of another. */
export function putAside(path: string): string {
  const aside = asideName(path, (name) => lstatIfPresent(name) !== null);
  return `mv ${shellWord(printable(path))} ${shellWord(printable(aside))}`;
}
