/** Who is at work at a stream's place at this moment: a run, a step of the poller, processes of either, or anybody else. */
import type { Ports } from '../app/ports.ts';
import { commandFor } from '../core/shell-word.ts';
import type { Action, StreamRecord } from '../core/types.ts';
import type { Held } from '../git/tidy/types.ts';
import { pidsBelow } from '../poller/steps/ahead.ts';
import type { Gathered } from '../report/gather.ts';
import { recordNow } from './find-stream.ts';

/** For so long a look at all processes stands: on some systems it takes a second. */
const PROCESSES_STAND_MS = 500;

/** What is asked, stream by stream. */
export type Presence = {
  readonly ports: Ports;
  readonly gathered: Pick<Gathered, 'look'>;
  readonly processesIn: (path: string) => readonly number[];
  readonly marked: () => ReadonlySet<string>;
};

/** Looks at processes for all streams of one command. */
export function lookForPresence(ports: Ports, gathered: Presence['gathered']): Presence {
  return {
    ports,
    gathered,
    processesIn: processLook(ports),
    marked: standing(() => new Set(ports.processes.findMarked(ports.marks.all).map(({ mark }) => mark))),
  };
}

/** A look at all processes that is taken at most twice a second. */
function standing<T>(look: () => T): () => T {
  let last: { readonly found: T; readonly atMs: number } | null = null;
  return () => {
    if (last === null || performance.now() - last.atMs > PROCESSES_STAND_MS)
      last = { found: look(), atMs: performance.now() };
    return last.found;
  };
}

/** Pids of processes at work at or below a path. */
function processLook({ processes }: Ports): (path: string) => number[] {
  const directories = standing(() => processes.directories());
  // Git that we ran there for the look has ended, or is about to.
  return (path) => pidsBelow(processes, path, directories());
}

/** The run that is open, as a reason to keep the place; null for none. */
export function atWork(record: StreamRecord): Held | null {
  const run = record.runs.at(-1);
  if (run === undefined || run.endedAtMs !== null) return null;
  const what = `its agent is at work (run ${run.number})`;
  return { kind: 'agent', what, look: commandFor('status', record) };
}

/** What the steps of a poller that work in worktrees do there; each looks, after it was written down, whether we are removing it. */
const STEPS_IN_WORKTREES: Partial<Record<Action['kind'], string>> = {
  prepare: 'made ready',
  launch: 'made ready',
  sync: 'brought up to date',
  verify: 'checked',
};

/** A run that has begun since, processes of its runs, and whoever else is at work in its worktree: as it is right now. */
export function livingIn({ ports, processesIn, marked, gathered }: Presence, record: StreamRecord): Held[] {
  const held: Held[] = [];
  const now = recordNow(ports, record);
  const poller = ports.state.poller();
  const working = atWork(now);
  if (working !== null) held.push(working);
  const step = now.step === null ? undefined : STEPS_IN_WORKTREES[now.step.kind];
  if (step !== undefined && poller !== null && ports.processes.isAlive(poller))
    held.push({
      kind: 'process',
      what: `its worktree is being ${step} at the moment`,
      look: commandFor('status', record),
    });
  const run = [...marked()].find((mark) => mark.startsWith(ports.marks.runs(record.key)));
  if (run !== undefined)
    held.push({
      kind: 'agent',
      what: 'processes of its agent still live',
      look: commandFor('stop', record),
    });
  const [pid, ...more] = processesIn(record.worktree);
  if (pid !== undefined)
    held.push({
      kind: 'process',
      what: `process ${[pid, ...more].join(', ')} is at work in its worktree`,
      look: `ps -fp ${[pid, ...more].join(',')}`,
    });
  const panes = gathered.look.tmux.known ? gathered.look.tmux.value.panes : [];
  const living = panes.find(({ role, key, dead }) => role === 'worker' && key === record.key && !dead);
  if (living !== undefined && run === undefined)
    held.push({
      kind: 'agent',
      what: 'its window is still in use',
      look: commandFor('attach', record),
    });
  return held;
}
