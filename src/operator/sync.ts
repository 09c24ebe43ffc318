/** `sync`: brings streams onto what their dependencies have come to, dependencies first; by the poller when one acts, else here, with no agent. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ports, policyOf } from '../app/ports.ts';
import { decide } from '../core/decide/decide.ts';
import { isCancelled, staleReasons } from '../core/done.ts';
import { inBuildOrder } from '../core/plan/graph.ts';
import { traitsOf } from '../core/states.ts';
import type { Action, PlanStream, Snapshot, StreamRecord, StreamState } from '../core/types.ts';
import { takeLook } from '../look/snapshot.ts';
import { endLeftTools } from '../poller/left-processes.ts';
import { apply, createBackoff } from '../poller/steps/apply.ts';
import { mergeInto } from '../poller/steps/sync.ts';
import { gatherReport } from '../report/gather.ts';
import { findStream } from './find-stream.ts';
import { noteCommand } from './intent.ts';
import { stepHere } from './verify.ts';

const LEASE_WAIT_MS = 300;
const ASK_EACH_MS = 200;
/** What is done here where no poller acts. */
const STEPS: ReadonlySet<Action['kind']> = new Set(['sync', 'verify', 'adopt']);

/** What became of a stream, or (a dry run) would: `files` of a conflict. */
export type SyncAnswer = {
  readonly stream: string;
  readonly result: 'synced' | 'conflict' | 'failed' | 'waiting';
  readonly message: string;
  readonly files: readonly string[];
};
/** The same while it is not known yet. */
type SoFar = Omit<SyncAnswer, 'result'> & { readonly result: SyncAnswer['result'] | 'pending' };

/** A stream that is behind, with what is remembered of it. */
type Behind = {
  readonly stream: PlanStream;
  readonly record: StreamRecord;
  /** False where only the check is still to come. */
  readonly stale: boolean;
};

/**
 * The streams that are behind what they build on, or were brought up to date and not checked since, dependencies first: all,
 * or those named and what they build on.
 */
async function streamsBehind(
  ports: Ports,
  names: readonly string[],
): Promise<{ readonly snapshot: Snapshot; readonly behind: readonly Behind[] }> {
  const wanted = new Set(names.map((name) => findStream(ports, name).streamId));
  const { snapshot } = await takeLook(ports, null, false);
  const order = inBuildOrder(snapshot.plan.streams);
  // Dependents before dependencies, so that each hands its wish on.
  for (const stream of [...order].reverse())
    if (wanted.has(stream.id)) for (const id of stream.dependencies) wanted.add(id);
  const stale = staleReasons(order, snapshot);
  const late = new Set<string>();
  const behind = order.flatMap((stream) => {
    const record = snapshot.records.get(snapshot.keys.get(stream.id) ?? '');
    if (record?.base == null || isCancelled(stream)) return [];
    // What builds on one that is still to be checked is behind as soon as that is done.
    const moves = stale.has(stream.id) || stream.dependencies.some((id) => late.has(id));
    if (!moves && !isUnchecked(record)) return [];
    late.add(stream.id);
    return names.length === 0 || wanted.has(stream.id) ? [{ stream, record, stale: moves }] : [];
  });
  return { snapshot, behind };
}

/** True for one that was brought up to date by a process which did not live to check it. */
function isUnchecked({ syncRequested, verified, runs }: StreamRecord): boolean {
  return syncRequested && verified === null && runs.at(-1)?.endedAtMs !== null;
}

/** What `sync` would do, found by merging without a worktree: nothing is changed. */
export async function planSync(ports: Ports, names: readonly string[]): Promise<readonly SyncAnswer[]> {
  const { snapshot, behind } = await streamsBehind(ports, names);
  const heads = new Map<string, string>();
  const answers: SyncAnswer[] = [];
  for (const { stream, record, stale } of behind) {
    const answer = (result: SyncAnswer['result'], message: string, files: readonly string[] = []): void => {
      answers.push({ stream: stream.id, result, message, files });
    };
    const stuck = stuckOn(stream, answers);
    if (stuck !== null) {
      answer('waiting', `waits for ${stuck}`);
      continue;
    }
    const merged = await merge(ports, snapshot, { stream, record }, heads);
    if (!merged.ok) {
      answer('conflict', `does not merge: ${merged.files.join(', ')}`, merged.files);
      continue;
    }
    heads.set(stream.id, merged.head);
    const onto = stream.dependencies.map((id) => `${id} at ${shaOf(snapshot, heads, id).slice(0, 10)}`);
    const what = stale ? 'would be brought up to date' : 'would be checked, being up to date';
    answer('synced', `${what} with ${onto.join(', ')}`);
  }
  return answers;
}

function shaOf({ keys, records }: Snapshot, heads: ReadonlyMap<string, string>, id: string): string {
  return heads.get(id) ?? records.get(keys.get(id) ?? '')?.verified?.sha ?? '';
}

/** The merge that the poller would make, on top of those before it. */
function merge(
  ports: Ports,
  snapshot: Snapshot,
  { stream, record }: Pick<Behind, 'stream' | 'record'>,
  heads: ReadonlyMap<string, string>,
): ReturnType<typeof mergeInto> {
  const onto = [...new Set(stream.dependencies.map((id) => shaOf(snapshot, heads, id)))].filter(
    (sha) => sha !== '',
  );
  const base = record.base?.sha ?? onto[0] ?? '';
  const branch = snapshot.heads.known ? snapshot.heads.value.get(record.key) : undefined;
  return mergeInto(ports, {
    key: record.key,
    tip: branch ?? record.verified?.sha ?? base,
    base,
    heads: onto,
  });
}

/** The first of its dependencies that does not get further; null for none. */
function stuckOn({ dependencies }: PlanStream, answers: readonly SoFar[]): string | null {
  const stuck = answers.find(
    ({ stream, result }) => dependencies.includes(stream) && result !== 'synced' && result !== 'pending',
  );
  return stuck?.stream ?? null;
}

/**
 * Brings the streams up to date and says of each how it went; none when all are. Throws an AbortError when `abort` fires: what
 * was running for it here has ended by then.
 */
export async function requestSync(
  ports: Ports,
  names: readonly string[],
  abort: AbortSignal,
): Promise<readonly SyncAnswer[]> {
  const { behind } = await streamsBehind(ports, names);
  for (const { record } of behind) {
    // Asked for, what failed is tried at once, and not when its pause is over.
    const trouble = record.trouble !== null && STEPS.has(record.trouble.kind) ? null : record.trouble;
    ports.state.patchStream(record.key, { syncRequested: true, trouble });
    noteCommand(ports, record.key, 'sync');
  }
  if (behind.length === 0) return [];
  for (let waitMs = LEASE_WAIT_MS; ; waitMs = 0) {
    const lease = ports.lease.acquire(waitMs);
    if (lease !== null) {
      await followHere(ports, behind, abort).finally(() => lease.release());
      return (await answersFor(ports, behind)).map((each) => settled(each));
    }
    const answers = await answersFor(ports, behind);
    if (answers.every(({ result }) => result !== 'pending')) return answers.map((each) => settled(each));
    await sleep(ASK_EACH_MS, undefined, { signal: abort });
  }
}

/** Nothing more happens here: what is still to come is for a poller. */
function settled({ result, ...answer }: SoFar): SyncAnswer {
  return result === 'pending' ? { ...answer, result: 'waiting' } : { ...answer, result };
}

/** The steps that a poller would take for these streams, but for those that need an agent. */
async function followHere(ports: Ports, behind: readonly Behind[], abort: AbortSignal): Promise<void> {
  const keys = new Set(behind.map(({ record }) => record.key));
  const policy = { ...policyOf(ports.config, ports.agent, null, 0), sync: 'ask' as const };
  const backoff = createBackoff();
  await endLeftTools(ports);
  for (;;) {
    const step = await stepHere(ports, abort);
    const actions = decide(step.snapshot, policy).actions.filter(
      ({ key, kind }) => keys.has(key) && STEPS.has(kind),
    );
    if (actions.length === 0) return;
    await Promise.all(actions.map((action) => apply(step, action, backoff)));
    abort.throwIfAborted();
  }
}

async function answersFor(ports: Ports, behind: readonly Behind[]): Promise<readonly SoFar[]> {
  const { states, look } = await gatherReport(ports);
  const answers: SoFar[] = [];
  for (const { stream, record } of behind) {
    const state = states.find(({ id }) => id === stream.id);
    const now = look.snapshot.records.get(record.key) ?? record;
    const stuck = stuckOn(stream, answers);
    if (state === undefined) continue;
    const waits = answers.some(
      (each) => each.result === 'pending' && stream.dependencies.includes(each.stream),
    );
    answers.push({
      stream: stream.id,
      ...(stuck !== null
        ? { result: 'waiting', message: `waits for ${stuck}`, files: [] }
        : waits
          ? { result: 'pending', message: 'waits for what it builds on', files: [] }
          : (heldUp(stream, states, answerOf(state, now)) ?? answerOf(state, now))),
    });
  }
  return answers;
}

/** Of an answer that is still to come: what it builds on has to be worked on first, nobody can say for how long; else null. */
function heldUp(
  { dependencies }: PlanStream,
  states: readonly StreamState[],
  { result }: Pick<SoFar, 'result'>,
): Omit<SoFar, 'stream'> | null {
  const open = states.find(({ id, state }) => {
    const { phase, handling } = traitsOf(state);
    return dependencies.includes(id) && (!handling.checkable || phase === 'stuck');
  });
  if (result !== 'pending' || open === undefined) return null;
  return { result: 'waiting', message: `waits for ${open.id}, which is ${open.state}`, files: [] };
}

function answerOf({ state, stale, reason }: StreamState, record: StreamRecord): Omit<SoFar, 'stream'> {
  const none = { files: [] };
  if (state === 'done' && !stale)
    return {
      ...none,
      result: 'synced',
      message: `up to date (${record.verified?.sha.slice(0, 7)})`,
    };
  if (state === 'base-conflict')
    return { result: 'conflict', message: reason ?? '', files: record.conflict?.files ?? [] };
  if (state === 'done' && record.trouble?.kind === 'sync')
    return { ...none, result: 'failed', message: record.trouble.message };
  if (traitsOf(state).phase === 'settled' || state === 'verifying')
    return { ...none, result: 'pending', message: reason ?? 'is to be checked' };
  const verdict = record.runs.at(-1)?.verdict;
  if (verdict?.ok === false) return { ...none, result: 'failed', message: verdict.message };
  return { ...none, result: 'waiting', message: reason === null ? `is ${state}` : `is ${state}: ${reason}` };
}
