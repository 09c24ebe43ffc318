/** A pure model of the world that a poller acts on: applies steps as the adapters would, and lets things happen in between. */
import { createElapsed } from '../../src/core/elapsed.ts';
import { restAfter } from '../../src/core/pause.ts';
import type {
  Action,
  PlanStream,
  Run,
  Snapshot,
  StreamRecord,
  TaskStatus,
  WorkerFact,
} from '../../src/core/types.ts';
import {
  activity,
  complete,
  counts,
  gone,
  keyOf,
  NOW_MS,
  record,
  run,
  snapshot,
  stream,
  worker,
} from './snapshots.ts';

/** Something that happens between two ticks. `at` picks a stream (modulo the number of streams). */
export type Happening =
  | {
      readonly kind: 'finish' | 'finish-dirty' | 'crash' | 'close-window' | 'block-task' | 'idle' | 'busy';
      readonly at: number;
    }
  | { readonly kind: 'lose-server' | 'blind' | 'unreadable-git' | 'see-again' }
  | {
      readonly kind: 'stop' | 'park' | 'retry' | 'start' | 'complete-by-hand' | 'reopen-task';
      readonly at: number;
    }
  | { readonly kind: 'pass'; readonly ms: number }
  /** The wall clock is set, forward or back. */
  | { readonly kind: 'set-clock'; readonly byMs: number };

/** Number of the last run that has ended. */
function lastEnded({ runs }: StreamRecord): number {
  const last = runs.at(-1);
  if (last === undefined) return 0;
  return last.endedAtMs === null ? last.number - 1 : last.number;
}

type Cell = {
  readonly id: string;
  readonly dependencies: readonly string[];
  tasks: TaskStatus;
  record: StreamRecord;
  worker: WorkerFact | null;
  /** What a check of its worktree finds. */
  clean: boolean;
  head: string | null;
  inFlight: Action | null;
};

export class ModelWorld {
  readonly cells: Cell[];
  /** The wall clock, which may be set, and the one that only goes forward. */
  nowMs = NOW_MS;
  steadyMs = 0;
  readonly #elapsed = createElapsed(
    () => this.nowMs,
    () => this.steadyMs,
  );
  readonly interactive: boolean;
  workersKnown = true;
  headsKnown = true;
  #serial = 0;

  constructor(dependencies: readonly (readonly number[])[], interactive: boolean) {
    this.interactive = interactive;
    this.cells = dependencies.map((on, at) => ({
      id: `S${at}`,
      dependencies: on.map((each) => `S${each}`),
      tasks: 'pending',
      record: record(`S${at}`),
      worker: null,
      clean: true,
      head: null,
      inFlight: null,
    }));
  }

  snapshot(): Snapshot {
    const unknown = { known: false, why: 'it did not answer' } as const;
    const made = snapshot({
      streams: this.cells.map((cell) => this.#stream(cell)),
      records: this.cells.map((cell) => cell.record),
      workers: Object.fromEntries(this.cells.flatMap((c) => (c.worker === null ? [] : [[c.id, c.worker]]))),
    });
    return {
      ...made,
      nowMs: this.nowMs,
      elapsed: this.#elapsed,
      workers: this.workersKnown ? made.workers : unknown,
      heads: this.headsKnown
        ? {
            known: true,
            value: new Map(this.cells.flatMap((c) => (c.head === null ? [] : [[keyOf(c.id), c.head]]))),
          }
        : unknown,
      inFlight: new Map(
        this.cells.flatMap((c) =>
          c.inFlight === null ? [] : [[keyOf(c.id), { kind: c.inFlight.kind, sinceMs: this.nowMs }]],
        ),
      ),
    };
  }

  /** Workers that live, by stream id. */
  alive(): string[] {
    return this.cells.filter((cell) => cell.worker?.process === 'alive').map((cell) => cell.id);
  }

  cell(keyOrAt: string | number): Cell {
    const found =
      typeof keyOrAt === 'number'
        ? this.cells[keyOrAt % this.cells.length]
        : this.cells.find((cell) => keyOf(cell.id) === keyOrAt);
    if (found === undefined) throw new Error(`no stream ${keyOrAt}`);
    return found;
  }

  /** Carries a step out as the adapters would. */
  apply(action: Action): void {
    const cell = this.cell(action.key);
    this.#pass(1);
    if (action.kind === 'launch') this.#launch(cell, action.run);
    else if (action.kind === 'verify') this.#verify(cell, action.run);
    else if (action.kind === 'adopt') this.#verified(cell, `${cell.id}-base`, true);
    else if (action.kind === 'nudge') {
      const nudges = (cell.record.runs.at(-1)?.nudges ?? 0) + 1;
      const lastNudgeRest = cell.record.runs.at(-1)?.rest?.number ?? null;
      this.#patchRun(cell, { nudges, lastNudgeAtMs: this.nowMs, lastNudgeRest });
    } else if (action.kind === 'sync') this.#sync(cell);
    else if (action.kind === 'end-run') {
      cell.worker = null;
      if (action.intent !== null)
        this.#patch(cell, { intent: action.intent, intentAtMs: this.nowMs, intentReason: action.reason });
      this.#patchRun(cell, { endedAtMs: this.nowMs, outcome: action.outcome, reason: action.reason });
    }
  }

  #pass(ms: number): void {
    this.nowMs += ms;
    this.steadyMs += ms;
  }

  happen(event: Happening): void {
    this.#pass(1);
    if (event.kind === 'pass') this.#pass(event.ms);
    else if (event.kind === 'set-clock') {
      // No two moments get the very same name, as none do in a world of more than a few milliseconds.
      this.#serial += 1;
      this.nowMs += event.byMs + this.#serial / 1000;
    } else if (event.kind === 'blind') this.workersKnown = false;
    else if (event.kind === 'unreadable-git') this.headsKnown = false;
    else if (event.kind === 'see-again') {
      this.workersKnown = true;
      this.headsKnown = true;
    } else if (event.kind === 'lose-server') {
      for (const cell of this.cells)
        if (cell.worker !== null)
          cell.worker = { ...cell.worker, pane: null, serverGone: true, process: 'gone' };
    } else if ('at' in event) this.#happenTo(this.cell(event.at), event.kind);
  }

  #happenTo(cell: Cell, kind: Extract<Happening, { at: number }>['kind']): void {
    if (['finish', 'finish-dirty', 'crash', 'close-window', 'block-task', 'idle', 'busy'].includes(kind))
      this.#workerDoes(cell, kind);
    else if (kind === 'complete-by-hand') cell.tasks = 'completed';
    else if (kind === 'reopen-task') cell.tasks = 'pending';
    else if (kind === 'stop' || kind === 'park')
      this.#patch(cell, {
        intent: kind === 'stop' ? 'stopped' : 'parked',
        intentAtMs: this.nowMs,
        intentReason: null,
      });
    else
      this.#patch(cell, {
        intent: 'none',
        intentAtMs: this.nowMs,
        intentReason: null,
        clearedAfterRun: lastEnded(cell.record),
        requestedEvent: 8,
        trouble: null,
        conflict: null,
      });
  }

  #workerDoes(cell: Cell, kind: string): void {
    const { worker: fact } = cell;
    if (fact === null || fact.process !== 'alive') return;
    const runNumber = fact.run;
    if (kind === 'finish' || kind === 'finish-dirty') {
      cell.tasks = 'completed';
      cell.clean = kind === 'finish';
      this.#serial += 1;
      cell.head = `${cell.id}-head-${this.#serial}`;
      cell.worker = this.interactive ? this.#withActivity(cell, fact, 'idle') : gone(0, { run: runNumber });
    } else if (kind === 'crash') cell.worker = gone(1, { run: runNumber });
    else if (kind === 'close-window') cell.worker = { ...gone(null, { run: runNumber }), pane: null };
    else if (kind === 'block-task') cell.tasks = 'blocked';
    else if (this.interactive) cell.worker = this.#withActivity(cell, fact, kind as 'idle' | 'busy');
  }

  #withActivity(cell: Cell, fact: WorkerFact, status: 'idle' | 'busy'): WorkerFact {
    const now = activity({ status, sinceMs: this.nowMs, lastSignAtMs: this.nowMs });
    const run = cell.record.runs.at(-1);
    if (run !== undefined) this.#patchRun(cell, { rest: restAfter(run, now) });
    return { ...fact, activity: now };
  }

  #launch(cell: Cell, number: number): void {
    const kind = this.interactive ? 'claude' : 'custom';
    const opened = run(cell.id, {
      number,
      agentKind: kind,
      startedAtMs: this.nowMs,
      claimedAtMs: this.nowMs,
    });
    const parents = this.#heads(cell);
    this.#patch(cell, {
      runs: [...cell.record.runs, opened],
      base: cell.record.base ?? { sha: `${cell.id}-base`, parents, atMs: this.nowMs },
    });
    cell.head ??= `${cell.id}-base`;
    cell.worker = worker({
      run: number,
      activity: activity({ sinceMs: this.nowMs, lastSignAtMs: this.nowMs }),
    });
  }

  #verify(cell: Cell, number: number | null): void {
    const ok = cell.clean;
    const sha = cell.head ?? `${cell.id}-base`;
    if (ok) this.#verified(cell, sha, false);
    else this.#patch(cell, { verifyRequested: false });
    const verdict = {
      sha,
      atMs: this.nowMs,
      rest: cell.record.runs.at(-1)?.rest?.number ?? null,
      ok,
      cause: ok ? null : ('dirty' as const),
      message: 'uncommitted: x',
      parents: [],
      gate: null,
    };
    if (number !== null)
      this.#patch(cell, {
        runs: cell.record.runs.map((each) => (each.number === number ? { ...each, verdict } : each)),
      });
  }

  /** Its branch has the heads of its dependencies now, and is to be checked. */
  #sync(cell: Cell): void {
    const { base, runs, verified } = cell.record;
    if (base === null) return;
    if (runs.length === 0) {
      this.#verified(cell, `${cell.id}-base`, true);
      return;
    }
    this.#serial += 1;
    cell.head = `${cell.id}-head-${this.#serial}`;
    this.#patch(cell, {
      base: { ...base, parents: this.#heads(cell) },
      verified: null,
      verifyRequested: verified !== null,
    });
  }

  #verified(cell: Cell, sha: string, adopted: boolean): void {
    const run = cell.record.runs.at(-1)?.number ?? 0;
    const parents = this.#heads(cell);
    this.#patch(cell, {
      verified: { sha, atMs: this.nowMs, adopted, run, parents },
      verifyRequested: false,
    });
  }

  #heads(cell: Cell): string[] {
    return cell.dependencies.map((id) => this.cell(keyOf(id)).record.verified?.sha ?? 'none');
  }

  #patch(cell: Cell, part: Partial<StreamRecord>): void {
    cell.record = { ...cell.record, ...part };
  }

  #patchRun(cell: Cell, part: Partial<Run>): void {
    const runs = cell.record.runs.map((each, at, all) =>
      at === all.length - 1 ? { ...each, ...part } : each,
    );
    this.#patch(cell, { runs });
  }

  #stream(cell: Cell): PlanStream {
    if (cell.tasks === 'completed') return complete(cell.id, cell.dependencies);
    if (cell.tasks === 'blocked')
      return stream(cell.id, cell.dependencies, {
        tasks: counts({ blocked: 1 }),
        blockedTask: { id: 'TASK-9', reason: 'no key' },
      });
    return stream(cell.id, cell.dependencies);
  }
}
