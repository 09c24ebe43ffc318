/** Finds, before anything moves, what would keep git from writing the files of a commit into a directory. */
import { rmSync } from 'node:fs';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { scratchDirectory } from '../files/scratch.ts';
import { checkedSha } from './checked-names.ts';
import type { CommandOptions, Door } from './door.ts';
import { gitFailure } from './failure.ts';
import { asText, bytesFor, listedBytes } from './path-bytes.ts';

/** What is to be written, by path. */
export type Writing = {
  readonly directory: string;
  /** The commit. */
  readonly to: string;
  /** By their bytes. */
  readonly files: readonly string[];
  /** Those of the files that were not there, as text. */
  readonly added: readonly string[];
};

const SETTINGS = '^(core\\.ignorecase|filter\\..*\\.required)$';

/**
 * Throws when two of the files are one where letter case does not count (exit 5), and when a filter is required for one and
 * fails (exit 3), as git-lfs does where it is not installed: git would die of that in the middle. `probe`: an index that may be
 * made and goes again.
 */
export async function checkWriting(door: Door, probe: CommandOptions, writing: Writing): Promise<void> {
  if (writing.files.length === 0) return;
  const { out } = await door.ask(['config', '-z', '--type=bool', '--get-regexp', SETTINGS], probe);
  const on = new Set(out.split('\0').flatMap((line) => /^(.*)\ntrue$/s.exec(line)?.[1] ?? []));
  if (on.delete('core.ignorecase') && writing.added.length > 0) await checkCase(door, writing);
  const filters = [...on].map((name) => name.slice('filter.'.length, -'.required'.length));
  if (filters.length > 0) await checkFilters(door, probe, writing, new Set(filters));
}

/** A path as it is compared where letter case does not count. */
export function folded(path: string): string {
  return path.toLowerCase();
}

async function checkCase(door: Door, { directory, to, added }: Writing): Promise<void> {
  const names = new Map(added.map((path) => [folded(path), path]));
  const paths = (await door.read(['ls-tree', '-r', '-z', '--name-only', checkedSha(to)])).split('\0');
  const other = paths.find((path) => (names.get(folded(path)) ?? path) !== path);
  if (other === undefined) return;
  throw new OrchestrateError(
    EXIT.refused,
    `${printable(names.get(folded(other)) ?? '')} and ${printable(other)} would be one file in ${printable(directory)}, where letter case does not count; nothing was changed`,
    'rename one of them on its branch, then run the command again',
  );
}

/** Has git write the files that need one of these filters somewhere else first. */
async function checkFilters(
  door: Door,
  probe: CommandOptions,
  { directory, to, files }: Writing,
  filters: ReadonlySet<string>,
): Promise<void> {
  const folder = scratchDirectory('filtered', door.commonDir);
  try {
    await door.write(['read-tree', checkedSha(to)], probe);
    const asked = ['check-attr', '--cached', '-z', '--stdin', 'filter'];
    const said = listedBytes(await door.bytes(asked, { ...probe, input: bytesFor(files) }));
    const paths = said.filter((_, at) => at % 3 === 0 && filters.has(said[at + 2] ?? ''));
    const [first] = paths;
    if (first === undefined) return;
    const args = ['checkout-index', '-z', '--stdin', `--prefix=${folder}/`];
    const result = await door.attempt(args, { ...probe, input: bytesFor(paths) });
    if (result.code === 0) return;
    const filter = printable(asText(said[said.indexOf(first) + 2] ?? ''));
    const more = paths.length === 1 ? '' : ` and ${paths.length - 1} more`;
    throw new OrchestrateError(
      EXIT.environment,
      `${printable(asText(first))}${more} cannot be written in ${printable(directory)}, since the filter "${filter}" fails (${gitFailure(args, result).message}); nothing was changed: make the filter work first`,
      `git config --get-regexp ${shellWord(`filter.${filter}`)}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(probe.env?.['GIT_INDEX_FILE'] ?? '', { force: true });
  }
}
