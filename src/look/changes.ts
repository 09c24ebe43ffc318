/** What each branch holds beyond its base, asked of git once per head and remembered. */

import type { Ports } from '../app/ports.ts';
import { messageOf } from '../core/errors.ts';
import type { Snapshot } from '../core/types.ts';
import type { ChangeFacts } from '../report/types.ts';

/** Branches asked about in one go, so that a first look at many streams stays quick. */
const MOST_AT_ONCE = 8;

type Asked = { readonly key: string; readonly base: string; readonly head: string };

/** What the plan's branches hold, by key; one that was not asked about yet is in neither map. */
export type Changes = {
  readonly known: ReadonlyMap<string, ChangeFacts>;
  /** Branches that git could not compare with their base, and why. */
  readonly unread: ReadonlyMap<string, string>;
};

/** Compares the branches with their bases; one that git cannot compare takes no other with it. */
export async function readChanges(ports: Pick<Ports, 'git' | 'state'>, snapshot: Snapshot): Promise<Changes> {
  const known = new Map<string, ChangeFacts>();
  const unread = new Map<string, string>();
  const unasked: Asked[] = [];
  for (const asked of branchesOf(snapshot)) {
    const facts = remembered(asked, snapshot);
    if (facts === null) unasked.push(asked);
    else known.set(asked.key, facts);
  }
  // Those that fail leave their turn to others: they are not remembered, and would take the first places for ever.
  for (let from = 0; from < unasked.length && unread.size === from; from += MOST_AT_ONCE) {
    await Promise.all(
      unasked.slice(from, from + MOST_AT_ONCE).map(async ({ key, base, head }) => {
        try {
          const { commits, added, removed } = await ports.git.changes(base, head);
          ports.state.patchStream(key, { changes: { base, head, commits, added, removed } });
          known.set(key, { commits, added, removed });
        } catch (error) {
          unread.set(key, messageOf(error));
        }
      }),
    );
  }
  return { known, unread };
}

/** Streams with a base and a branch. */
function branchesOf({ keys, records, heads }: Snapshot): Asked[] {
  return [...keys.values()].flatMap((key) => {
    const base = records.get(key)?.base?.sha;
    // The branch of work that has landed may have been taken away.
    const head = heads.known ? (heads.value.get(key) ?? records.get(key)?.verified?.sha) : undefined;
    return base === undefined || head === undefined ? [] : [{ key, base, head }];
  });
}

/** What is known of a branch without asking git. */
function remembered({ key, base, head }: Asked, { records }: Snapshot): ChangeFacts | null {
  if (base === head) return { commits: 0, added: 0, removed: 0 };
  const changes = records.get(key)?.changes ?? null;
  return changes !== null && changes.base === base && changes.head === head ? changes : null;
}
