/** The fixed words we give to tmux: names, tags and channels of a project; nothing in them can mean anything to tmux or a shell. */

import { basename } from 'node:path';
import { tagOf } from '../files/sha256.ts';

/** Sixteen hex digits that stand for the project at `root` in tags and paths. */
export function projectTag(root: string): string {
  return tagOf(root);
}

/** Names our session may have, in order of preference; a later one when a stranger has the earlier. */
export function sessionNames(root: string): [string, ...string[]] {
  const tag = projectTag(root);
  const plain = basename(root)
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  const name = `orchestrate-${plain === '' ? 'project' : plain}`;
  return [name, `${name}-${tag.slice(0, 4)}`, `${name}-${tag}`];
}

/** Refuses anything but a stream key, since a key becomes part of a tmux command. */
export function checkKey(key: string): string {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(key)) throw new TypeError(`not a stream key: ${JSON.stringify(key)}`);
  return key;
}

/** Refuses anything but a pane id (`%3`). */
export function checkPane(pane: string): string {
  if (!/^%\d+$/.test(pane)) throw new TypeError(`not a pane id: ${JSON.stringify(pane)}`);
  return pane;
}
