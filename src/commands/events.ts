/** `events`: what happened, by number, a line each; `--for-claude` only what a conversation of Claude Code has to know. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openProject, type Project } from '../app/project.ts';
import { leaveOnSignals } from '../app/signals.ts';
import { EXIT, isAbort, OrchestrateError } from '../core/errors.ts';
import { eventTraits, stateOfEvent } from '../core/events.ts';
import { readIfPresent, statIfPresent } from '../files/present.ts';
import { replaceFile } from '../files/replace-file.ts';
import { privateDirectory } from '../poller/steps/step.ts';
import { createAlarm } from '../poller/wake.ts';
import { createProcesses } from '../process/processes.ts';
import { openStateStore } from '../state/state-store.ts';
import { type Call, claudeLines, createCalls } from '../view/pages/for-claude.ts';
import { describeEvent } from '../view/pages/progress-lines.ts';
import { type Flags, numberFlag, usageError } from './definition.ts';
import { readEvents, type TracedEvent } from './events/follow.ts';
import { type Io, wantsUnicode } from './io.ts';

export async function run(_args: readonly string[], flags: Flags, io: Io): Promise<number> {
  const since = numberFlag('events', flags, 'since', { min: 0, whole: true }) ?? null;
  const follow = flags['follow'] === true;
  if (flags['for-claude'] !== true) return listen(openProject(io), since ?? 0, follow, printer(io));
  if (io.json) throw usageError('--for-claude is text for an agent, not data', 'orchestrate events --json');
  // A worker's own conversation is not the one that planned; outside of a repository there is no plan.
  const project = io.env['ORCHESTRATE_RUN'] ? null : projectHere(io);
  if (project === null) return EXIT.ok;
  return listen(project, 0, follow, follow ? teller(project, since, io) : oneTelling(since, io));
}

/** The project around the command; null outside of any. */
function projectHere(io: Io): Project | null {
  try {
    return openProject(io);
  } catch (error) {
    if (error instanceof OrchestrateError && error.exitCode === EXIT.environment) return null;
    throw error;
  }
}

/** Who is given the events. `restMs`: how long to let more of them come together before the next reading. */
type Hearer = {
  take(events: readonly TracedEvent[], place: { readonly opened: boolean }): void;
  restMs(): number;
  /** Ends with whoever started it, who may die without closing what this one writes to. */
  readonly endsWithParent: boolean;
};

/** Safety look; changes ring. */
const LOOK_EACH_MS = 2_000;
/** As long a state.db may be unreadable, as while a copy of it is put back. */
const PATIENCE_MS = 10_000;
/** Time in which this process is gone after a signal. */
const LEAVE_MS = 1_000;

async function listen(project: Project, since: number, follow: boolean, hearer: Hearer): Promise<number> {
  const alarm = createAlarm();
  const { paths } = project;
  const open = () =>
    statIfPresent(paths.stateDb) === null ? null : openStateStore(paths.stateDb, { create: false });
  const reader = readEvents({ directory: paths.orchestratorDir, open }, since, alarm.ring);
  try {
    const hear = () => hearer.take(reader.next(), { opened: reader.opened() });
    if (!follow) {
      hear();
      return EXIT.ok;
    }
    return await listenOn(hear, hearer, alarm);
  } finally {
    reader.close();
    project.close();
  }
}

/** Hears what comes until a signal; throws what keeps it from reading for longer than its patience. */
async function listenOn(
  hear: () => void,
  hearer: Hearer,
  alarm: ReturnType<typeof createAlarm>,
): Promise<number> {
  const leaving = leaveOnSignals(LEAVE_MS, alarm.ring);
  const isOrphan = hearer.endsWithParent ? orphanCheck() : () => false;
  const heard = patiently(hear);
  try {
    while (!leaving.signal.aborted) {
      if (isOrphan()) return EXIT.ok;
      await alarm.wait(heard() ? LOOK_EACH_MS : LOOK_EACH_MS / 10);
      await sleep(hearer.restMs(), undefined, { signal: leaving.signal }).catch((error: unknown) => {
        if (!isAbort(error)) throw error;
      });
    }
    return leaving.code() ?? EXIT.ok;
  } finally {
    leaving.stop();
  }
}

/** As many ancestors are looked after: a shell may stand between this process and who reads it. */
const ELDERS = 2;
/** Where there is no /proc, each look at one takes a process. */
const ELDERS_EACH_MS = 10_000;

/** Says whether one of those that this process was started by has ended. */
function orphanCheck(): () => boolean {
  const processes = createProcesses();
  const elders = processes.ancestors(process.pid).slice(0, ELDERS);
  let nextMs = 0;
  return () => {
    if (performance.now() < nextMs) return false;
    nextMs = performance.now() + ELDERS_EACH_MS;
    return !elders.every((elder) => processes.isAlive(elder));
  };
}

/** The work, as often as it is called; false when it failed. Throws its failure once it has failed for too long. */
function patiently(work: () => void): () => boolean {
  let sinceMs: number | null = null;
  return () => {
    try {
      work();
      sinceMs = null;
      return true;
    } catch (error) {
      sinceMs ??= performance.now();
      if (performance.now() - sinceMs > PATIENCE_MS) throw error;
      return false;
    }
  };
}

/** Prints every event, for a user or, with `--json`, for a program. */
function printer(io: Io): Hearer {
  const look = { colour: io.colour, unicode: wantsUnicode(io.env) };
  return {
    endsWithParent: false,
    restMs: () => 20,
    take(events) {
      for (const event of events) {
        const number = String(event.id).padStart(5);
        const columns = io.columns();
        const room = columns === null ? null : Math.max(1, columns - number.length - 2);
        const line = (): string =>
          describeEvent(event, { ...look, columns: room, streamOf: () => event.stream });
        io.print(io.json ? JSON.stringify(eventJson(event)) : `${number}  ${line()}`);
      }
    },
  };
}

/** A line of `events --json`. */
function eventJson(event: TracedEvent): object {
  return {
    schemaVersion: 1,
    id: event.id,
    at: new Date(event.atMs).toISOString(),
    kind: event.kind,
    state: stateOfEvent(event.kind),
    told: eventTraits(event.kind).told,
    stream: event.stream,
    key: event.key,
    run: event.run,
    message: event.message,
  };
}

/** All that stands, of what came after number `since`. */
function oneTelling(since: number | null, io: Io): Hearer {
  return {
    endsWithParent: false,
    restMs: () => 0,
    take(events) {
      const calls = createCalls();
      calls.take(events);
      for (const line of claudeLines(calls.after(since ?? 0))) io.print(line);
    },
  };
}

/** What happens within it is told together, so that what is over at once is not told. */
const SETTLE_MS = 1_000;
/** After so many lines in a while, there is a longer rest: each line costs a turn of the conversation. */
const STORM = { lines: 20, withinMs: 600_000, restMs: 60_000 };

/** Tells a conversation each thing once, also when it is started again. */
function teller(project: Project, since: number | null, io: Io): Hearer {
  const { toldEvents, logsDir } = project.paths;
  const calls = createCalls();
  const toldAtMs: number[] = [];
  let toldTo = since;
  /** What ended before anyone listened is no news; what waits for the user is. */
  const open = (): Call[] => calls.after(0).filter(({ call }) => call === 'needs-user');
  const tell = (news: readonly Call[], last: TracedEvent | undefined): void => {
    for (const line of claudeLines(news)) {
      toldAtMs.push(performance.now());
      io.print(line);
    }
    toldAtMs.splice(0, toldAtMs.length - STORM.lines);
    if (last === undefined) return;
    privateDirectory(logsDir);
    replaceFile(toldEvents, `${JSON.stringify({ id: last.id, atMs: last.atMs })}\n`, 0o600);
  };
  return {
    endsWithParent: true,
    restMs: () => {
      const first = toldAtMs.length < STORM.lines ? undefined : toldAtMs[0];
      const storm = first !== undefined && performance.now() - first < STORM.withinMs;
      return storm ? STORM.restMs : SETTLE_MS;
    },
    take(events, { opened }) {
      const before = calls.last();
      calls.take(events);
      if (!opened) toldTo ??= 0;
      if (toldTo !== null && (events[0]?.id ?? Number.POSITIVE_INFINITY) <= before) toldTo = 0;
      const from = toldTo ?? keptNumber(toldEvents, events);
      const news = from === null ? open() : calls.after(from);
      const begins = toldTo === null;
      toldTo = calls.last();
      if (news.length > 0 || begins) tell(news, events.at(-1));
    },
  };
}

/** The number that was kept, null when none was, or one of another state.db. */
function keptNumber(path: string, events: readonly TracedEvent[]): number | null {
  const text = readIfPresent(path);
  const found = /^\{"id":(\d+),"atMs":(\d+)\}$/.exec(text?.trim() ?? '');
  if (found === null) return null;
  const [id, atMs] = [Number(found[1]), Number(found[2])];
  const same = events.find((event) => event.id === id);
  const trimmed = same === undefined && (events[0]?.id ?? 0) > id;
  return trimmed || same?.atMs === atMs ? id : null;
}
