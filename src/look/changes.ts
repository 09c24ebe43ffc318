/** What each branch holds beyond its base, asked of git once per head and remembered. */

import type { Ports } from '../app/ports.ts';
import type { Snapshot } from '../core/types.ts';
import type { ChangeFacts } from '../report/types.ts';

/** Branches asked about in one go, so that a first look at many streams stays quick. */
const MOST_AT_ONCE = 8;

type Asked = { readonly key: string; readonly base: string; readonly head: string };

/** Changes of the plan's branches, by key; a branch that was not asked about yet is absent. */
export async function readChanges(
  ports: Pick<Ports, 'git' | 'state'>,
  snapshot: Snapshot,
): Promise<ReadonlyMap<string, ChangeFacts>> {
  const found = new Map<string, ChangeFacts>();
  const unknown: Asked[] = [];
  for (const asked of branchesOf(snapshot)) {
    const known = remembered(asked, snapshot);
    if (known === null) unknown.push(asked);
    else found.set(asked.key, known);
  }
  await Promise.all(
    unknown.slice(0, MOST_AT_ONCE).map(async ({ key, base, head }) => {
      const { commits, added, removed } = await ports.git.changes(base, head);
      ports.state.patchStream(key, { changes: { base, head, commits, added, removed } });
      found.set(key, { commits, added, removed });
    }),
  );
  return found;
}

/** Streams with a base and a branch. */
function branchesOf({ keys, records, heads }: Snapshot): Asked[] {
  return [...keys.values()].flatMap((key) => {
    const base = records.get(key)?.base?.sha;
    const head = heads.known ? heads.value.get(key) : undefined;
    return base === undefined || head === undefined ? [] : [{ key, base, head }];
  });
}

/** What is known of a branch without asking git. */
function remembered({ key, base, head }: Asked, { records }: Snapshot): ChangeFacts | null {
  if (base === head) return { commits: 0, added: 0, removed: 0 };
  const changes = records.get(key)?.changes ?? null;
  return changes !== null && changes.base === base && changes.head === head ? changes : null;
}
