/** Wakes the poller: by changes, by reports, by what is due, and by a safety poll; several wake-ups between two ticks are one. */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Ports } from '../app/ports.ts';
import { messageOf } from '../core/errors.ts';
import { reporting } from './listeners/listener.ts';
import { privateDirectory } from './steps/step.ts';

/** How often living workers are looked after by pid: a cheap check between ticks, so that a death is noticed within it. */
const LIFE_CHECK_MS = 1_000;
/** Reports of tool calls come often and decide nothing: they wake the poller at most this often. */
const TOOL_WAKE_MS = 1_000;

/** One sleeper that many things can wake. */
export type Alarm = {
  ring(): void;
  /** Resolves at the next ring, or after `timeoutMs`; at once when it rang since the last wait. */
  wait(timeoutMs: number): Promise<void>;
};

export function createAlarm(): Alarm {
  let rung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(timeoutMs) {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = null;
      rung = false;
    },
  };
}

/**
 * Rings while `signal` keeps resolving (a tmux channel, for one); a failing signal is asked again after a pause, since its
 * server may be down for a while. Ends with `abort`.
 */
export async function ringOn(
  signal: (abort: AbortSignal) => Promise<void>,
  alarm: Alarm,
  abort: AbortSignal,
): Promise<void> {
  const RETRY_MS = 1_000;
  while (!abort.aborted) {
    const startedMs = performance.now();
    const answered = await signal(abort).then(
      () => true,
      () => false,
    );
    if (abort.aborted) return;
    if (answered) alarm.ring();
    if (!answered || performance.now() - startedMs < 5) await pauseUntil(answered ? 5 : RETRY_MS, abort);
  }
}

/** Resolves after `ms`, at once when `abort` fires. */
function pauseUntil(ms: number, abort: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      abort.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    abort.addEventListener('abort', end);
  });
}

/** Everything that wakes the poller but tmux; returns how to stop it. */
export function startWaking(ports: Ports, ring: () => void, report: (message: string) => void): () => void {
  // Made before the first worker reports, so that it can be watched.
  privateDirectory(ports.paths.spoolDir);
  const stores = ports.watchStores(ring);
  const reports = reportWatch(ring);
  const open = [...ports.state.openRecords().readable.values()].flatMap(({ runs }) => runs.at(-1) ?? []);
  const agents = new Set([ports.agent, ...open.map((run) => ports.agentThatMade(run))]);
  const paths = new Set([...agents].flatMap((agent) => agent.watchPaths()));
  const watchers = [...paths].map((path) =>
    watchDirectory(
      path,
      (name) => reports.onFile(name),
      (error) => report(`cannot watch ${path}: ${messageOf(error)}`),
    ),
  );
  const attempt = reporting('workers', report);
  const timer = setInterval(
    () =>
      attempt(() => {
        if (someWorkerEnded(ports)) ring();
      }),
    LIFE_CHECK_MS,
  );
  return () => {
    clearInterval(timer);
    reports.close();
    for (const watcher of watchers) watcher.close();
    stores.close();
  };
}

/** True when a worker recorded as living is gone; read from our own records only. */
function someWorkerEnded(ports: Ports): boolean {
  const initiative = ports.plan.currentInitiative()?.id ?? '';
  return [...ports.state.records(initiative).values()].some((record) => {
    const run = record.runs.at(-1);
    return (
      run !== undefined &&
      run.endedAtMs === null &&
      run.worker !== null &&
      !ports.processes.isAlive(run.worker)
    );
  });
}

/** Turns names of changed files into wake-ups: drafts into none, tool calls into a few, all else at once. */
function reportWatch(ring: () => void): { onFile(name: string | null): void; close(): void } {
  let lastMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;
  return {
    onFile(name) {
      if (name?.startsWith('.') === true) return;
      // Costs are looked at now and then.
      if (name?.includes('.Status.') === true) return;
      if (name?.includes('.PreToolUse.') !== true) return ring();
      const waitMs = lastMs + TOOL_WAKE_MS - performance.now();
      if (timer !== null) return;
      timer = setTimeout(
        () => {
          timer = null;
          lastMs = performance.now();
          ring();
        },
        Math.max(0, waitMs),
      );
      timer.unref();
    },
    close() {
      if (timer !== null) clearTimeout(timer);
    },
  };
}

/**
 * Calls `onFile` with the name of each file that changes in `directory`, null where the system does not say. While there is
 * no such directory, the nearest one above is watched until it is there; that is no trouble. `onTrouble`: it cannot be watched.
 */
export function watchDirectory(
  directory: string,
  onFile: (name: string | null) => void,
  onTrouble: (error: unknown) => void,
): { close(): void } {
  let watcher: FSWatcher | null = null;
  let watched: string | null = null;
  let closed = false;
  const follow = (place: string): void => {
    watcher?.close();
    watched = place;
    watcher = watch(place, (_event, name) => (place === directory ? onFile(name) : approach()));
    watcher.on('error', onTrouble);
  };
  /** Watches as near to the directory as there is something. What comes into being meanwhile is met by looking again. */
  const approach = (): void => {
    if (closed) return;
    try {
      for (let place = nearest(directory); place !== watched; place = nearest(directory)) follow(place);
      if (watched === directory) onFile(null);
    } catch (error) {
      onTrouble(error);
    }
  };
  try {
    for (let place = nearest(directory); place !== watched; place = nearest(directory)) follow(place);
  } catch (error) {
    onTrouble(error);
  }
  return {
    close() {
      closed = true;
      watcher?.close();
    },
  };
}

/** The directory itself, or the nearest one above that is there. */
function nearest(directory: string): string {
  let place = directory;
  while (place !== dirname(place) && statSync(place, { throwIfNoEntry: false })?.isDirectory() !== true)
    place = dirname(place);
  return place;
}
