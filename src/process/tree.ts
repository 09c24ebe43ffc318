/** Finds every process that belongs to a run (pure), so that none is left behind and no other is touched. */
import type { ProcessIdentity } from '../core/types.ts';
import type { ProcessRow } from './table.ts';

/** What is looked for: living or dead roots, and processes already known to belong (by pid, with their start). */
export type TreeSearch = {
  readonly roots: readonly ProcessIdentity[];
  /** Pids whose mark says that they belong. */
  readonly marked: ReadonlySet<number>;
  /** Start times of those found before, by pid: they stay members when their parent dies. */
  readonly known: ReadonlyMap<number, string>;
  /** Never part of it: we ourselves. */
  readonly self: number;
};

/**
 * The members among `rows`: roots, marked and known ones, everything below them, and everything in a session that one of
 * them leads (also one whose leader has died: its number isn't given to another process while the session lasts).
 * We, our ancestors and the first process are never members, nor what hangs on us alone.
 */
export function findMembers(rows: readonly ProcessRow[], search: TreeSearch): ProcessRow[] {
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  const barred = ancestors(byPid, search.self);
  const leaders = new Set(deadRootPids(byPid, search.roots));
  const members = new Set<number>();
  const isFirst = (row: ProcessRow): boolean =>
    search.marked.has(row.pid) ||
    search.known.get(row.pid) === row.start ||
    search.roots.some((root) => root.pid === row.pid && root.start === row.start);
  const joins = (row: ProcessRow): boolean => isFirst(row) || members.has(row.ppid) || leaders.has(row.group);
  for (let grew = true; grew; ) {
    grew = false;
    for (const row of rows) {
      if (members.has(row.pid) || barred.has(row.pid) || !joins(row)) continue;
      members.add(row.pid);
      if (row.group === row.pid) leaders.add(row.pid);
      grew = true;
    }
  }
  return rows.filter((row) => members.has(row.pid));
}

/** Pids of roots that have ended and whose number nobody else has. */
function deadRootPids(byPid: ReadonlyMap<number, ProcessRow>, roots: readonly ProcessIdentity[]): number[] {
  return roots.filter((root) => root.pid > 1 && !byPid.has(root.pid)).map((root) => root.pid);
}

/** `self`, its parents up to the first process, and that one. */
function ancestors(byPid: ReadonlyMap<number, ProcessRow>, self: number): Set<number> {
  const found = new Set([0, 1, self]);
  for (let pid = byPid.get(self)?.ppid; pid !== undefined && !found.has(pid); pid = byPid.get(pid)?.ppid) {
    found.add(pid);
  }
  return found;
}
