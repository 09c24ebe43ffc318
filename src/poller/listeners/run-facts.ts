/** Writes down what a look tells of open runs: their process, pane and conversation when first seen, now and then what they use. */
import { statSync, utimesSync } from 'node:fs';
import type { Ports } from '../../app/ports.ts';
import { eachByItself } from '../../core/each-by-itself.ts';
import type { NewEvent } from '../../core/events.ts';
import {
  createLostTime,
  createLostTimes,
  type LostTimes,
  pauseAfter,
  restAfter,
  withLostTime,
} from '../../core/pause.ts';
import type { Run, WorkerFact } from '../../core/types.ts';
import { publish } from '../../look/published.ts';
import type { Look } from '../../look/snapshot.ts';
import { openRun } from '../../look/workers.ts';
import type { RunPatch } from '../../state/types.ts';
import { recordUsage, writePidFile } from '../steps/end-run.ts';
import { type Listener, reporting } from './listener.ts';

/** What a tick may take beyond the time between two. */
const SLACK_MS = 60_000;

/** Records new facts of open runs, and the time in which this machine slept; cheap when there are none. */
export function workerFacts(ports: Ports): Listener {
  const mostMs = 2 * ports.config.pollSeconds * 1000 + SLACK_MS;
  let lost: LostTimes | null = null;
  let markedMs = Number.NEGATIVE_INFINITY;
  const told = new Set<string>();
  return {
    name: 'worker facts',
    onLook(look) {
      const steadyMs = performance.now();
      lost ??= createLostTimes(createLostTime(mostMs, lastLookMs(ports)));
      const runs = [...look.snapshot.records.values()].flatMap((record) => openRun(record) ?? []);
      lost.look({ wallMs: look.snapshot.nowMs, steadyMs }, runs);
      recordFacts(ports, look, lost, told);
      if (steadyMs - markedMs < MARK_EACH_MS) return;
      markedMs = steadyMs;
      markLook(ports, look.snapshot.nowMs);
    },
  };
}

/** Whoever watches waits a moment for changes that follow; the steps that are decided on the look do not wait for its file. */
const PUBLISH_MS = 100;

/** Lets the processes that watch have what the poller saw, so that they need not ask tmux and git for the same. */
export function publisher(ports: Ports, report: (message: string) => void): Listener {
  const name = 'published facts';
  const attempt = reporting(name, report);
  let last: Look['seen'] | null = null;
  let timer: NodeJS.Timeout | null = null;
  const write = (): void => {
    timer = null;
    const seen = last;
    if (seen !== null) attempt(() => publish(ports, seen));
  };
  return {
    name,
    onLook({ seen }) {
      last = seen;
      timer ??= setTimeout(write, PUBLISH_MS).unref();
    },
    close() {
      if (timer !== null) clearTimeout(timer);
    },
  };
}

/** How often it is noted that a poller looks: what one that is killed leaves uncounted. */
const MARK_EACH_MS = 5_000;

/** When a poller last looked, by the wall clock: the time of the lock file, which wakes nobody; null where there is none. */
function lastLookMs({ paths }: Pick<Ports, 'paths'>): number | null {
  return statSync(paths.lockDb, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

function markLook({ paths }: Pick<Ports, 'paths'>, nowMs: number): void {
  utimesSync(paths.lockDb, nowMs / 1000, nowMs / 1000);
}

function recordFacts(ports: Ports, { snapshot, tmux }: Look, lost: LostTimes, told: Set<string>): void {
  if (!snapshot.workers.known || !tmux.known) return;
  eachByItself(snapshot.workers.value, ([key, fact]) => {
    const run = snapshot.records.get(key)?.runs.at(-1);
    if (run === undefined || run.number !== fact.run) return;
    const patch = newFacts(run, fact, { nowMs: snapshot.nowMs, lostMs: lost.take(run) }, tmux.value.server);
    if (Object.keys(patch).length === 0) return;
    ports.state.patchRun(key, run.number, patch);
    if (patch.worker) writePidFile({ ports }, key, patch.worker);
  });
  eachByItself(snapshot.workers.value, ([key, fact]) => {
    const message = fact.activity.hookTrouble;
    const run = `${key}#${fact.run}`;
    if (message === null || told.has(run)) return;
    tellOfHooks(ports, { atMs: snapshot.nowMs, key, run: fact.run, kind: 'hooks', message });
    told.add(run);
  });
}

/** Tells once in each run, whichever poller looks, that its hooks cannot be relied on. */
function tellOfHooks({ state }: Ports, event: NewEvent & { readonly key: string }): void {
  const { key, run } = event;
  const before = state.events({ key, limit: EVENTS_OF_RUN });
  if (!before.some((each) => each.kind === 'hooks' && each.run === run)) state.addEvent(event);
}

/** How far back it is looked whether something was told. */
const EVENTS_OF_RUN = 100;

function newFacts(
  run: Run,
  fact: WorkerFact,
  { nowMs, lostMs }: { readonly nowMs: number; readonly lostMs: number },
  server: string | null,
): RunPatch {
  const session = fact.activity.sessionId;
  const rest = restAfter(run, fact.activity);
  const paused = pauseAfter({ ...run, paused: withLostTime(run, lostMs) }, fact.activity, nowMs);
  return {
    ...(fact.claimed && run.claimedAtMs === null ? { claimedAtMs: nowMs } : {}),
    ...(fact.claimed && run.worker === null && fact.identity !== null ? { worker: fact.identity } : {}),
    ...(fact.pane !== null && run.pane === null ? { pane: fact.pane.id, server } : {}),
    ...(paused === run.paused ? {} : { paused }),
    ...(rest === run.rest ? {} : { rest }),
    ...(session !== null && session !== run.sessionId ? { sessionId: session } : {}),
  };
}

/** Conversations grow fast, and what they used changes nothing at once. */
const READ_EACH_MS = 5_000;

/** Records what open runs use; reads their conversations at most every few seconds. */
export function usage(ports: Ports): Listener {
  let readMs = Number.NEGATIVE_INFINITY;
  return {
    name: 'usage',
    onLook({ snapshot }) {
      if (performance.now() - readMs < READ_EACH_MS) return;
      readMs = performance.now();
      eachByItself(snapshot.records.values(), (record) => {
        const run = openRun(record);
        if (run !== null && run.claimedAtMs !== null) recordUsage(ports, run);
      });
    },
  };
}
