/** Ends whole process trees: finds every process that belongs to a run and no other, asks, waits, kills, and says who would not go. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ProcessIdentity } from '../core/types.ts';
import type { ProcessRow, ProcessTable } from './process-table.ts';

export type EndTreeRequest = {
  readonly roots: readonly ProcessIdentity[];
  readonly mark: string | null;
  readonly graceMs: number;
  readonly firstSignal?: NodeJS.Signals;
};

/** How long a killed process may take to be gone; one that sleeps in the kernel may never go. */
const KILL_MS = 5_000;
const FIRST_STEP_MS = 5;
const LONGEST_STEP_MS = 100;

/** True for `mark` itself and for the marks below it (`mark/…`). */
function isMarked(value: string, mark: string): boolean {
  return value === mark || value.startsWith(`${mark}/`);
}

/** See `Processes.endTree`. */
export async function endTree(table: ProcessTable, request: EndTreeRequest): Promise<ProcessIdentity[]> {
  const { firstSignal, graceMs, roots } = request;
  const members = memberFinder(table, request);
  const isRoot = (row: ProcessRow): boolean =>
    roots.some((root) => root.pid === row.pid && root.start === row.start);
  // An agent told to end by its own signal ends its children itself; half of the time is for that.
  const gentleMs = firstSignal === undefined ? 0 : graceMs / 2;
  const gone =
    (firstSignal !== undefined && (await round(table, members, firstSignal, gentleMs, isRoot))) ||
    (await round(table, members, 'SIGTERM', graceMs - gentleMs)) ||
    (await round(table, members, 'SIGKILL', KILL_MS));
  return gone ? [] : members().map(({ pid, start }) => ({ pid, start }));
}

/**
 * Looks for the members again at each call, remembering those it has found. A root whose number another process was seen with
 * is forgotten: once that one has ended too, what it leaves in its session looks as if the root had led it.
 */
function memberFinder(table: ProcessTable, { roots, mark }: EndTreeRequest): () => ProcessRow[] {
  const known = new Map<number, string>();
  let own = roots;
  return () => {
    const rows = table.rows();
    const starts = new Map(rows.map(({ pid, start }) => [pid, start]));
    own = own.filter(({ pid, start }) => (starts.get(pid) ?? start) === start);
    const found = findMembers(rows, {
      roots: own,
      marked: marked(table, rows, mark),
      known,
      self: process.pid,
    });
    for (const row of found) known.set(row.pid, row.start);
    return found;
  };
}

function marked(table: ProcessTable, rows: readonly ProcessRow[], mark: string | null): Set<number> {
  if (mark === null) return new Set();
  const marks = table.marks(rows.map((row) => row.pid));
  return new Set([...marks].flatMap(([pid, value]) => (isMarked(value, mark) ? [pid] : [])));
}

/** Signals each wanted member once as it appears (with KILL again and again), until none is left (true) or time is up. */
async function round(
  table: ProcessTable,
  members: () => ProcessRow[],
  signal: NodeJS.Signals,
  limitMs: number,
  wanted: (row: ProcessRow) => boolean = () => true,
): Promise<boolean> {
  const endMs = performance.now() + limitMs;
  const told = new Set<string>();
  for (let stepMs = FIRST_STEP_MS; ; stepMs = Math.min(stepMs * 2, LONGEST_STEP_MS)) {
    const left = members();
    if (left.length === 0) return true;
    for (const row of left.filter(wanted)) {
      const name = `${row.pid} ${row.start}`;
      if (signal === 'SIGKILL' || !told.has(name)) signalOne(table, row, signal);
      told.add(name);
    }
    const restMs = endMs - performance.now();
    if (restMs <= 0) return false;
    await pause(Math.min(stepMs, restMs));
  }
}

/**
 * Signals the very process that was seen: its identity is looked up once more right before. A stopped one is let go on,
 * or it could not act on the signal.
 */
function signalOne(table: ProcessTable, { pid, start }: ProcessIdentity, signal: NodeJS.Signals): void {
  if (table.identify(pid)?.start !== start) return;
  try {
    process.kill(pid, signal);
    if (signal !== 'SIGKILL') process.kill(pid, 'SIGCONT');
  } catch (thrown) {
    // Ended meanwhile, or not ours: the next look tells which.
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code !== 'ESRCH' && code !== 'EPERM') throw thrown;
  }
}

/** What is looked for: living or dead roots, and processes already known to belong (by pid, with their start). */
type TreeSearch = {
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

/** The first process, `self`, and its parents from the nearest on. */
export function ancestors(byPid: ReadonlyMap<number, ProcessRow>, self: number): Set<number> {
  const found = new Set([0, 1, self]);
  for (let pid = byPid.get(self)?.ppid; pid !== undefined && !found.has(pid); pid = byPid.get(pid)?.ppid) {
    found.add(pid);
  }
  return found;
}
