/** What a stream's commits changed, in numbers and as a drawing. */
import type { Door } from './door.ts';
import { countCommits } from './inspect.ts';
import { checkedSha, isBranchName } from './names.ts';
import type { Git } from './types.ts';

/** Commits drawn at most. */
const DRAWN = 300;

/** See `Git.changes`. Lines of binary files don't count; a changed file does. */
export async function changes(door: Door, base: string, head: string): ReturnType<Git['changes']> {
  const range = [checkedSha(base), checkedSha(head)];
  const plain = ['--no-renames', '--no-ext-diff', '--no-textconv', '--ignore-submodules=none'];
  const [commits, out] = await Promise.all([
    countCommits(door, base, head),
    door.read(['diff', '--numstat', '-z', ...plain, ...range, '--']),
  ]);
  const rows = out.split('\0').filter(Boolean);
  const fields = rows.map((row) => /^(\d+|-)\t(\d+|-)\t([\s\S]*)$/.exec(row) ?? []);
  const sum = (column: 1 | 2) => fields.reduce((total, row) => total + (Number(row[column]) || 0), 0);
  return { commits, added: sum(1), removed: sum(2), files: fields.map((row) => row[3] ?? '') };
}

/** See `Git.graph`. Refs that don't exist are left out. */
export async function graph(door: Door, refs: readonly string[]): Promise<string> {
  const named = refs.filter((ref) => isBranchName(ref));
  const args = ['log', '--graph', '--oneline', '--decorate=short', '--color=never', '--no-show-signature'];
  if (named.length === 0) return '';
  return door.read([...args, '--ignore-missing', `--max-count=${DRAWN}`, '--end-of-options', ...named, '--']);
}
