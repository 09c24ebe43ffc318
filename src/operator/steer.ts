/** What the operator asks of a stream and the poller sees to: park, retry, resolve, start by name, another worker limit. */
import type { Ports } from '../app/ports.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { commandFor, reopenCommand, shellWord } from '../core/shell-word.ts';
import { byOperator, type StateName, traitsOf } from '../core/states.ts';
import type { Run, StreamRecord } from '../core/types.ts';
import { otherNames, pollerLives } from '../look/snapshot.ts';
import { gatherReport } from '../report/gather.ts';
import { type EndedRun, endOpenRuns } from './end-runs.ts';
import { clearStream, noteCommand } from './intent.ts';

/** Takes a stream out of the plan until `retry`; ends its run, keeps its work. */
export async function park(ports: Ports, record: StreamRecord): Promise<readonly EndedRun[]> {
  ports.state.setIntent(record.key, 'parked', ports.now());
  noteCommand(ports, record.key, byOperator('parked'));
  return endOpenRuns(ports, [record], byOperator('parked'));
}

/**
 * What `retry` did; `state` before it; `isTried`: a new run was asked for; `pollerAlive`: a poller takes it up; `livingRun`:
 * the number of a run that goes on.
 */
export type Retried = {
  readonly state: StateName;
  readonly isTried: boolean;
  readonly endedRun: number | null;
  readonly livingRun: number | null;
  readonly pollerAlive: boolean;
};

/**
 * Clears all that holds a stream back; an agent that gets no further (with `fresh`: any agent) is ended, to be started
 * again, with `fresh` in a new conversation. Where there is nothing to try again, nothing is done and no event is written.
 * Throws exit 5 for a stream that is done: nothing of it could be tried again; and, naming the processes to be killed, for an
 * agent that would not end: the wish stands, so that its end by the user's hand is what was asked for, and no failure.
 */
export async function retry(ports: Ports, record: StreamRecord, fresh: boolean): Promise<Retried> {
  const state = await unfinishedState(ports, record);
  const living = livingRunOf(ports, record)?.number ?? null;
  const ends = (fresh || traitsOf(state).handling.retryEnds) && record.runs.at(-1)?.endedAtMs === null;
  const isTried = ends || (living === null && startsAgain(state));
  const pollerAlive = pollerLives(ports);
  if (!isTried) return { state, isTried, endedRun: null, livingRun: living, pollerAlive };
  if (fresh) ports.state.patchStream(record.key, { fresh: true });
  // First: a poller that sees the agent gone before its end is written down would take it for a failure, and perhaps leave.
  clearStream(ports, record, ends);
  noteCommand(ports, record.key, fresh ? 'to be tried again, in a new conversation' : 'to be tried again');
  const ended = ends ? await endOpenRuns(ports, [record], 'ended by you, to be tried again') : [];
  return { state, isTried, endedRun: ended[0]?.run ?? null, livingRun: null, pollerAlive };
}

/** The stream's state; throws exit 5 for one in which nothing is left to be done. */
async function unfinishedState(ports: Ports, record: StreamRecord): Promise<StateName> {
  const { states } = await gatherReport(ports);
  const found = states.find(({ key }) => key === record.key);
  if (found?.state === 'done') throw retriedDone(ports, record, found.stale);
  if (found?.state === 'cancelled') throw retriedCancelled(record);
  return found?.state ?? 'ready';
}

/** True in a state from which clearing leads to a new run: it waits for no other stream, and nothing is under way. */
function startsAgain(state: StateName): boolean {
  const { phase, handling } = traitsOf(state);
  return phase !== 'waits' && (phase !== 'moves' || handling.retryEnds);
}

/** The open run whose worker lives; null without one. */
export function livingRunOf({ processes }: Ports, { runs }: StreamRecord): Run | null {
  const run = runs.at(-1);
  if (run === undefined || run.endedAtMs !== null || run.worker === null) return null;
  // Of before a reboot its number may be another process's.
  return run.bootId === processes.bootId() && processes.isAlive(run.worker) ? run : null;
}

function retriedDone(ports: Ports, record: StreamRecord, isStale: boolean): OrchestrateError {
  const { streamId } = record;
  const [task] = ports.plan.listTasks({ stream: streamId });
  const help = isStale ? 'it can be brought up to date' : 'its work can be checked again';
  const reopen = task === undefined ? '' : `, or a task re-opened: ${reopenCommand(task.id)}`;
  return new OrchestrateError(
    EXIT.refused,
    `${streamId} is done: there is nothing to try again; ${help}${reopen}`,
    commandFor(isStale ? 'sync' : 'verify', record),
  );
}

function retriedCancelled({ streamId }: StreamRecord): OrchestrateError {
  return new OrchestrateError(
    EXIT.refused,
    `${streamId} is cancelled: there is nothing to try again; a task set back to pending brings it back`,
    `orchestrate task list --stream=${shellWord(streamId)}`,
  );
}

/** Asks the living poller for these streams by name. */
export function requestStreams(ports: Ports, records: readonly StreamRecord[]): void {
  for (const record of records) {
    clearStream(ports, record);
    noteCommand(ports, record.key, 'asked for by name');
  }
}

/**
 * What a new poller begins with: named streams are cleared of everything; without names what was stopped goes on, and what
 * could not follow its dependencies is tried again.
 */
export function clearForStart(ports: Ports, named: readonly StreamRecord[]): void {
  deriveNamesAgain(ports);
  for (const record of named) clearStream(ports, record);
  if (named.length > 0) return;
  const records = ports.state.records(ports.plan.currentInitiative()?.id ?? '');
  for (const { key, intent, trouble } of records.values()) {
    if (intent === 'stopped') ports.state.setIntent(key, 'none', ports.now());
    if (trouble?.kind === 'sync') ports.state.patchStream(key, { trouble: null });
  }
  noteCommand(ports, null, 'orchestrate started');
}

/**
 * Streams that were never made get the names that the configuration gives now: one whose name or place was taken is free to
 * start once the configuration was changed for it.
 */
function deriveNamesAgain(ports: Ports): void {
  for (const record of ports.state.records(ports.plan.currentInitiative()?.id ?? '').values()) {
    const names = otherNames(ports, record);
    const trouble = record.trouble?.kind === 'launch' ? null : record.trouble;
    if (names !== null) ports.state.patchStream(record.key, { ...names, trouble });
  }
}

/** Hands the living poller another limit of workers, which it obeys from its next tick on; false when none is registered. */
export function handOverMaxWorkers(ports: Ports, maxWorkers: number): boolean {
  const row = ports.state.poller();
  if (row === null || !ports.state.setMaxWorkers(row, maxWorkers)) return false;
  noteCommand(ports, null, `at most ${maxWorkers} agents at once`);
  return true;
}
