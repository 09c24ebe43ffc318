/** What each branch holds beyond its base, asked of git once per head and remembered. */

import type { Ports } from '../app/ports.ts';
import type { Snapshot } from '../core/types.ts';
import type { ChangeFacts } from '../report/types.ts';

/** Branches asked about in one go, so that a first look at many streams stays quick. */
const MOST_AT_ONCE = 8;

type Remembered = ChangeFacts & { readonly base: string; readonly head: string };

/** Changes of the plan's branches, by key; a branch that was not asked about yet is absent. */
export async function readChanges(
  ports: Pick<Ports, 'git' | 'state'>,
  snapshot: Snapshot,
): Promise<ReadonlyMap<string, ChangeFacts>> {
  const found = new Map<string, ChangeFacts>();
  const unknown: { key: string; base: string; head: string }[] = [];
  for (const key of snapshot.keys.values()) {
    const base = snapshot.records.get(key)?.base?.sha;
    const head = snapshot.heads.known ? snapshot.heads.value.get(key) : undefined;
    if (base === undefined || head === undefined) continue;
    const known = recall(ports, key);
    if (known !== null && known.base === base && known.head === head) found.set(key, known);
    else if (base === head) found.set(key, { commits: 0, added: 0, removed: 0 });
    else unknown.push({ key, base, head });
  }
  await Promise.all(
    unknown.slice(0, MOST_AT_ONCE).map(async ({ key, base, head }) => {
      const { commits, added, removed } = await ports.git.changes(base, head);
      const facts: Remembered = { commits, added, removed, base, head };
      ports.state.setMeta(`changes:${key}`, JSON.stringify(facts));
      found.set(key, facts);
    }),
  );
  return found;
}

function recall(ports: Pick<Ports, 'state'>, key: string): Remembered | null {
  const text = ports.state.getMeta(`changes:${key}`);
  return text === null ? null : JSON.parse(text);
}
