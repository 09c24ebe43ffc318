/**
 * Decides which worktrees are made, moved and taken away ahead of need. Pure: what it takes for the base of a stream is the best
 * that is known, and a launch moves the worktree to the real one.
 */
import { isCancelled, isVerified } from '../done.ts';
import { traitsOf } from '../states.ts';
import type { Action, Ahead, PlanStream, Policy, Snapshot, StreamRecord } from '../types.ts';
import type { Assessment } from './assessment.ts';
import { retryDelayMs } from './restarts.ts';
import { isWanted, launchOrder } from './schedule.ts';

/** Made at the same time: set-ups take the processor from agents that work, and a stream that becomes ready waits for its own. */
const AT_ONCE = 2;

type Found = ReadonlyMap<string, Assessment>;

/** The steps for worktrees ahead of need, beside `actions`, which go first. */
export function aheadActions(
  snapshot: Snapshot,
  policy: Policy,
  found: Found,
  actions: readonly Action[],
): Action[] {
  if (!snapshot.pollerAlive || !snapshot.heads.known || !snapshot.workers.known) return [];
  const busy = new Set([...snapshot.inFlight.keys(), ...actions.map(({ key }) => key)]);
  const isFree = (key: string): boolean => !busy.has(key) && !isHeldBack(snapshot, policy, key);
  const discards = [...snapshot.records.values()]
    .filter((record) => record.ahead !== null && isFree(record.key))
    .flatMap((record) => discardOf(snapshot, policy, record) ?? []);
  // Who hands work on now is not to share the processor with what can wait; a check without gates takes a moment, and then
  // a launch moves the worktree itself.
  const isHandOn = ({ kind }: Pick<Action, 'kind'>): boolean =>
    kind === 'launch' || (kind === 'verify' && !policy.gated);
  const handingOn = [...snapshot.inFlight.values(), ...actions].some(isHandOn);
  return handingOn ? discards : [...discards, ...preparations(snapshot, policy, found, isFree)];
}

/** A step that failed a short time ago is not tried again, nor one that failed as often as a launch may. */
function isHeldBack(snapshot: Snapshot, policy: Policy, key: string): boolean {
  const trouble = snapshot.troubles.get(key);
  if (trouble === undefined) return false;
  if (trouble.kind !== 'prepare' && trouble.kind !== 'discard') return true;
  const restMs = retryDelayMs(trouble, key, policy.delaysMs) - snapshot.elapsed(trouble.atMs);
  return trouble.count >= policy.maxAttempts || restMs > 0;
}

/** The step that takes away what was made for a stream that is not to start; null while it is. */
function discardOf(snapshot: Snapshot, policy: Policy, record: StreamRecord): Action | null {
  const { key, ahead, runs } = record;
  if (ahead === null) return null;
  const reason =
    ahead.path !== record.worktree
      ? 'worktrees are made elsewhere now'
      : runs.length > 0
        ? null
        : needlessness(snapshot, policy, record);
  return reason === null ? null : { kind: 'discard', key, reason };
}

/** Why a stream that has not begun needs no worktree ahead of need; null when it may. */
function needlessness({ plan }: Snapshot, policy: Policy, record: StreamRecord): string | null {
  const stream = plan.streams.find(({ id }) => id === record.streamId);
  if (stream === undefined) return 'its stream left the plan';
  if (isCancelled(stream)) return 'its stream was cancelled';
  if (record.intent === 'parked') return 'its stream is parked';
  if (isVerified(stream, record)) return 'its stream is done without it';
  return policy.ahead === 0 ? 'none are to be made ahead of need' : null;
}

/** Worktrees to be made or moved, those of the longest remaining path first. */
function preparations(
  snapshot: Snapshot,
  policy: Policy,
  found: Found,
  isFree: (key: string) => boolean,
): Action[] {
  const most = policy.ahead ?? policy.maxWorkers;
  if (most === 0 || snapshot.plan.problems.length > 0) return [];
  const recordOf = (id: string) => snapshot.records.get(snapshot.keys.get(id) ?? '');
  const likely = snapshot.plan.streams.filter((stream) => {
    const record = recordOf(stream.id);
    return record !== undefined && isNext(stream, record, { snapshot, policy, found });
  });
  const ids = likely.map(({ id }) => id);
  const wanted = launchOrder(ids, snapshot.plan)
    .slice(0, most)
    .flatMap((id) => likely.find((stream) => stream.id === id) ?? [])
    .flatMap((stream) => preparation(stream, recordOf(stream.id), snapshot) ?? [])
    .filter(({ key }) => isFree(key));
  const existing = [...snapshot.records.values()].filter(({ ahead }) => ahead !== null).length;
  const isMove = ({ key }: Action): boolean => snapshot.records.get(key)?.ahead != null;
  const made = wanted.filter((action) => !isMove(action)).slice(0, Math.max(0, most - existing));
  const underWay = [...snapshot.inFlight.values()].filter(({ kind }) => kind === 'prepare').length;
  return [...wanted.filter(isMove), ...made].slice(0, Math.max(0, AT_ONCE - underWay));
}

/** The step that makes the stream's worktree or moves it on; null where there is nothing to do, or nothing known. */
function preparation(
  stream: PlanStream,
  record: StreamRecord | undefined,
  snapshot: Snapshot,
): Action | null {
  const parents = bestParents(stream, snapshot);
  if (record === undefined || parents === null || isFor(record.ahead, parents)) return null;
  const reason = record.ahead === null ? 'it is likely to start next' : 'what it will start from has moved';
  return { kind: 'prepare', key: record.key, parents, reason };
}

/** True for a stream that has not begun and waits for a free place, or for nothing but dependencies that are at work or done. */
function isNext(
  stream: PlanStream,
  record: StreamRecord,
  { snapshot, policy, found }: { snapshot: Snapshot; policy: Policy; found: Found },
): boolean {
  const state = found.get(stream.id)?.state;
  const phase = state === undefined ? null : traitsOf(state).phase;
  if (phase !== 'waits' && phase !== 'can-start') return false;
  if (record.runs.length > 0 || record.branchMade || record.intent !== 'none') return false;
  if (record.conflict !== null || record.resolve || !isWanted(policy, stream.id, record)) return false;
  return stream.dependencies.every((id) => {
    const last = snapshot.records.get(snapshot.keys.get(id) ?? '')?.runs.at(-1);
    return found.get(id)?.state === 'done' || (last !== undefined && last.endedAtMs === null);
  });
}

/** What the stream would start from as far as it is known: verified heads, else branches as they are. Null when one has neither. */
function bestParents(stream: PlanStream, { keys, records, heads }: Snapshot): readonly string[] | null {
  const shas: string[] = [];
  for (const id of stream.dependencies) {
    const key = keys.get(id) ?? '';
    const record = records.get(key);
    const sha =
      record?.verified?.sha ?? (heads.known ? heads.value.get(key) : undefined) ?? record?.base?.sha;
    if (sha === undefined) return null;
    if (!shas.includes(sha)) shas.push(sha);
  }
  return shas;
}

function isFor(ahead: Ahead | null, parents: readonly string[]): boolean {
  return (
    ahead?.parents != null &&
    ahead.parents.length === parents.length &&
    ahead.parents.every((sha, at) => sha === parents[at])
  );
}
