/** Looks at a living session of Claude Code by all its channels (registry, reports, transcript, screen, processes) and says what it is doing. */
import { parseProcStat } from '../../core/proc-stat.ts';
import type { AgentActivity, ProcessIdentity, Run } from '../../core/types.ts';
import { listIfPresent, readIfPresent, statIfPresent } from '../../files/present.ts';
import type { Agent } from '../port.ts';
import { activityOf, needsScreen } from './activity.ts';
import type { ClaudePaths } from './claude-paths.ts';
import { createScreens } from './dialogs.ts';
import { type RegistryEntry, readRegistry } from './registry.ts';
import type { Reports } from './reports.ts';
import type { Transcripts, TranscriptTail } from './transcript.ts';
import { afterLogin } from './turn-end.ts';

/** The channels of sessions. */
export type SessionChannels = {
  readonly paths: ClaudePaths;
  readonly transcripts: Transcripts;
  /** Null where no hook was given to it. */
  readonly reports: Pick<Reports, 'of' | 'gateTrouble'> | null;
  readonly interactive: boolean;
  nowMs(): number;
};

/** An agent at rest has begun a session and ended a turn: both are reported where hooks run. */
const SILENT_HOOKS = 'none of its hooks has reported anything, so that its stop gate and its fence are off';

/** The `activity` of the agent. */
export function createSessionLook(channels: SessionChannels): Agent['activity'] {
  const { paths, transcripts, interactive, nowMs, reports: spool } = channels;
  const screens = createScreens(nowMs);
  return async (run, worker, screen) => {
    const entry = currentEntry(readRegistry(paths.sessions, worker.pid), worker, run);
    const reports = spool?.of(run.key, run.number) ?? [];
    const sessionId = entry?.sessionId ?? reports.at(-1)?.sessionId ?? run.sessionId;
    const tail = sessionId === null ? null : transcripts.tail(sessionId);
    const startedAtMs = run.claimedAtMs ?? run.startedAtMs;
    const looked = interactive && needsScreen(entry, tail, startedAtMs);
    const seen = activityOf({
      entry,
      tail,
      reports,
      nowMs: nowMs(),
      screen: looked ? await screens.read(`${run.key}#${run.number}`, screen) : null,
      sessionId,
      startedAtMs,
      toolAliveAtMs: toolAliveAtMs(tail, worker, nowMs()),
    });
    const loggedInMs = (): number | null => statIfPresent(paths.credentials)?.mtimeMs ?? null;
    const told = {
      ...seen,
      hookTrouble: hookTroubleOf(run, spool, seen.status === 'idle' && reports.length === 0),
    };
    return interactive ? afterLogin(told, loggedInMs()) : asPrint(told, startedAtMs);
  };
}

function hookTroubleOf(run: Run, spool: SessionChannels['reports'], silent: boolean): string | null {
  if (spool === null) return null;
  const gate = spool.gateTrouble(run.key, run.number);
  if (gate !== null) return `its stop gate could not run (${gate})`;
  return silent ? SILENT_HOOKS : null;
}

/** The entry, unless an earlier process with the same pid left it behind (after kill -9 nobody removes it). */
function currentEntry(entry: RegistryEntry | null, worker: ProcessIdentity, run: Run): RegistryEntry | null {
  if (entry === null || entry.processStart === worker.start) return entry;
  if (entry.sessionId !== null && entry.sessionId === run.sessionId) return entry;
  return (entry.startedAtMs ?? 0) >= run.startedAtMs ? entry : null;
}

/** Without a terminal it is at work for as long as it lives. */
function asPrint(seen: AgentActivity, startedAtMs: number): AgentActivity {
  return {
    ...seen,
    status: 'busy',
    sinceMs: startedAtMs,
    detail: null,
    remedy: null,
    untilMs: null,
    inferred: false,
    dialog: null,
    account: false,
  };
}

/** Now, when the open tool call has a process of its own that lives; a call without one says nothing. */
function toolAliveAtMs(tail: TranscriptTail | null, worker: ProcessIdentity, nowMs: number): number | null {
  const atMs = tail?.openCall?.atMs ?? null;
  if (atMs === null || nowMs - atMs < QUIET_CALL_MS) return null;
  return hasChildYoungerThan(worker.pid, nowMs - atMs) ? nowMs : null;
}

/** A call shorter than this is no question yet. */
const QUIET_CALL_MS = 60_000;

/** Clock ticks a second in /proc, the same on every Linux in use. */
const TICKS_PER_SECOND = 100;
/** The call is written down a moment before or after its process starts. */
const SLACK_MS = 2_000;

/** True when process `pid` has a child not older than `ageMs`; false where there is no /proc. Throws what else the system says. */
export function hasChildYoungerThan(pid: number, ageMs: number): boolean {
  const uptime = readProc('/proc/uptime');
  if (uptime === null) return false;
  const uptimeMs = Number.parseFloat(uptime) * 1000;
  return childrenOf(pid).some((child) => {
    const stat = parseProcStat(readProc(`/proc/${child}/stat`) ?? '');
    return stat !== null && uptimeMs - (Number(stat.start) / TICKS_PER_SECOND) * 1000 <= ageMs + SLACK_MS;
  });
}

function childrenOf(pid: number): readonly string[] {
  return listIfPresent(`/proc/${pid}/task`).flatMap((thread) =>
    (readProc(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter((child) => child !== ''),
  );
}

/** A file of /proc; null when the process has ended, also while it was being read (ESRCH). */
function readProc(file: string): string | null {
  try {
    return readIfPresent(file);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return null;
    throw thrown;
  }
}
