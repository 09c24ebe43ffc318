/** What one look at a stream yields: its state and the step to take; shared by the rules for streams with and without an open run. */

import { dependencyHeads, movedHeads } from '../done.ts';
import { commandFor } from '../shell-word.ts';
import { byOperator, type StateName } from '../states.ts';
import type {
  Action,
  EndRun,
  PlanStream,
  Policy,
  Run,
  RunOutcome,
  Snapshot,
  StreamRecord,
  WorkerFact,
} from '../types.ts';

/** A state with the action that leads on from it (null: nothing to do for us). */
export type Assessment = {
  readonly state: StateName;
  readonly reason: string | null;
  /** It would go on, but orchestrate is not running: said before the reason, and once where all streams are shown. */
  readonly notRunning: boolean;
  readonly remedy: string | null;
  readonly sinceMs: number | null;
  readonly dueAtMs: number | null;
  /** What stops this stream would stop every other one too: it is the account's. */
  readonly holdsLaunches: boolean;
  readonly action: Action | null;
  /** The streams at which it is held up in the end, with their states: what the user has to see to. */
  readonly roots: ReadonlyMap<string, string>;
};

const NO_ROOTS: Assessment['roots'] = new Map();

/** A stream with everything known of it at this tick. */
export type Situation = {
  readonly snapshot: Snapshot;
  readonly policy: Policy;
  readonly stream: PlanStream;
  readonly key: string;
  readonly record: StreamRecord | null;
  /** The run that has not ended, if any. */
  readonly openRun: Run | null;
  readonly lastRun: Run | null;
  /** Null when the open run's worker was not seen; undefined when it could not be looked at. */
  readonly worker: WorkerFact | null | undefined;
  /** Assessments of its dependencies, by stream id. */
  readonly dependencies: ReadonlyMap<string, Assessment>;
  /** Why streams of the plan no longer build on what their dependencies have come to, by stream id. */
  readonly stale: ReadonlyMap<string, string>;
};

/** Fills an assessment's optional parts. */
export function assess(
  state: StateName,
  rest: {
    reason?: string;
    notRunning?: boolean;
    remedy?: string;
    sinceMs?: number | null;
    dueAtMs?: number;
    holdsLaunches?: boolean;
    action?: Action;
    roots?: Assessment['roots'];
  } = {},
): Assessment {
  return {
    state,
    reason: rest.reason ?? null,
    notRunning: rest.notRunning ?? false,
    remedy: rest.remedy ?? null,
    sinceMs: rest.sinceMs ?? null,
    dueAtMs: rest.dueAtMs ?? null,
    holdsLaunches: rest.holdsLaunches ?? false,
    action: rest.action ?? null,
    roots: rest.roots ?? NO_ROOTS,
  };
}

/** A stream that is called off, by the operator or by a cap, and why; null for any other. */
export function calledOff({
  stream,
  record,
}: Pick<Situation, 'stream' | 'record'>): (Assessment & { readonly reason: string }) | null {
  if (record === null || record.intent === 'none') return null;
  const { intent, intentAtMs: sinceMs } = record;
  const reason = record.intentReason ?? byOperator(intent);
  const remedy = commandFor(intent === 'stopped' ? 'start' : 'retry', stream.id);
  return { ...assess(intent, { remedy, sinceMs }), reason };
}

/** The action that ends the open run. */
export function endRun(
  situation: Pick<Situation, 'policy'>,
  run: Run,
  outcome: RunOutcome,
  reason: string,
  extra: { exitCode?: number | null; intent?: 'parked'; retryAtMs?: number; farewell?: string } = {},
): EndRun {
  const keep = outcome === 'failed' || (outcome === 'done' && situation.policy.keepFinishedWindows);
  return endAction(run, outcome, reason, { ...extra, closeWindow: !keep });
}

/** How a run is ended, beyond its outcome: nothing is known of its exit, and its window is closed, where nothing is said. */
export type EndDetails = Partial<
  Pick<EndRun, 'exitCode' | 'closeWindow' | 'intent' | 'retryAtMs' | 'farewell'>
>;

/** The one place that builds the action by which a run is ended. */
export function endAction(
  run: Pick<Run, 'key' | 'number'>,
  outcome: RunOutcome,
  reason: string,
  details: EndDetails = {},
): EndRun {
  const { exitCode = null, closeWindow = true, intent = null, retryAtMs = null, farewell = null } = details;
  return {
    kind: 'end-run',
    key: run.key,
    run: run.number,
    outcome,
    reason,
    exitCode,
    closeWindow,
    intent,
    retryAtMs,
    farewell,
  };
}

/** True when every dependency's verified head is already in the base branch. */
export function dependenciesLanded(stream: PlanStream, snapshot: Snapshot): boolean {
  return (
    stream.dependencies.length > 0 &&
    stream.dependencies.every((id) => snapshot.landed.has(snapshot.keys.get(id) ?? ''))
  );
}

/** Tip of the stream's branch; null where there is none, undefined where git could not be asked. */
export function headOf({ snapshot, key }: Pick<Situation, 'snapshot' | 'key'>): string | null | undefined {
  return snapshot.heads.known ? (snapshot.heads.value.get(key) ?? null) : undefined;
}

/** The command that starts this stream again. */
export function startCommand(stream: PlanStream): string {
  return commandFor('start', stream.id);
}

/** The state of a stream whose work can be checked now. */
export function verifying(situation: Situation, run: number | null): Assessment {
  const { key, snapshot } = situation;
  if (!snapshot.pollerAlive) return assess('verifying', { notRunning: true, remedy: 'orchestrate start' });
  const reason = 'tasks complete, agent at rest';
  if (!snapshot.heads.known)
    return assess('verifying', {
      reason: `git could not be asked: ${snapshot.heads.why}`,
      remedy: 'orchestrate doctor',
    });
  return assess('verifying', {
    reason: `${reason}: checking the work`,
    remedy: commandFor('logs', situation.stream.id),
    action: isBehind(situation)
      ? { kind: 'sync', key, run, reason: 'what it builds on has moved since it began' }
      : { kind: 'verify', key, run, reason },
  });
}

/** True when dependencies have moved since it began, and the head of each is known: they are merged before it is checked. */
function isBehind({ stream, snapshot }: Situation): boolean {
  return movedHeads(stream, snapshot).length > 0 && dependencyHeads(stream, snapshot) !== null;
}
