/** What differs between two commits' trees, file by file: the one way to ask for it, and to read the answer. */

import { checkedSha } from './checked-names.ts';
import type { CommandOptions, Door } from './door.ts';
import { asText } from './path-bytes.ts';

/** A path that differs; a mode of `ABSENT`: it is not there. */
export type TreeChange = {
  readonly path: string;
  readonly oldMode: string;
  readonly newMode: string;
  readonly oldObject: string;
  readonly newObject: string;
};

/** The same with the path's bytes, for which its text stands wherever `isText` says so. */
export type TreeChangeInBytes = TreeChange & { readonly bytes: string };

/** The mode of what is not there, and of a submodule. */
export const ABSENT = '000000';
export const SUBMODULE = '160000';

/**
 * Lists what differs between two trees, each file by itself, submodules too, whatever the repository says is to be looked away
 * from (`submodule.<name>.ignore`).
 */
export const DIFF_TREE: readonly string[] = [
  'diff-tree',
  '-r',
  '-z',
  '--raw',
  '--no-renames',
  '--no-abbrev',
  '--ignore-submodules=none',
];

/** The fields that `DIFF_TREE` printed: each change as one, everything else (headings, rows of `--numstat`) as it stands. */
export function readFields(out: string): readonly (TreeChange | string)[] {
  const fields = out.split('\0');
  const found: (TreeChange | string)[] = [];
  for (let at = 0; at < fields.length; at += 1) {
    const field = fields[at] ?? '';
    const change = /^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) /.exec(field);
    if (change === null) {
      if (field !== '') found.push(field);
      continue;
    }
    at += 1;
    const [, oldMode = '', newMode = '', oldObject = '', newObject = ''] = change;
    found.push({ path: fields[at] ?? '', oldMode, newMode, oldObject, newObject });
  }
  return found;
}

/** True for a change among the fields. */
export function isChange(field: TreeChange | string): field is TreeChange {
  return typeof field !== 'string';
}

/** What differs from one commit to another, `matching` some pathspecs (all of it for none). */
export async function treeChanges(
  door: Door,
  from: string,
  to: string,
  { matching = [], ...where }: CommandOptions & { readonly matching?: readonly string[] } = {},
): Promise<readonly TreeChangeInBytes[]> {
  const args = [...DIFF_TREE, checkedSha(from), checkedSha(to), '--', ...matching];
  const listed = (await door.bytes(args, where)).toString('latin1');
  const changes = readFields(listed).filter(isChange);
  return changes.map((change) => ({ ...change, path: asText(change.path), bytes: change.path }));
}
