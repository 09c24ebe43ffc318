/** The one sentence beside a stream: what it is doing, what it waits for, or what is wrong with it. */

import { type StateName, traitsOf } from '../../core/states.ts';
import type { TaskStatus } from '../../core/types.ts';
import type { ReportStream } from '../../report/types.ts';
import { ageMs, amount, clock, duration, moment } from '../amounts.ts';
import type { Style } from '../style.ts';

/** What a row may say of other streams: their states, and how they are called. */
export type Neighbours = {
  readonly stateOf: ReadonlyMap<string, StateName>;
  readonly nameOf: ReadonlyMap<string, string>;
};

type TaskMark = { readonly like: StateName; readonly word: string };
const PENDING: TaskMark = { like: 'waiting', word: 'pending' };
const TASK_MARKS: ReadonlyMap<string, TaskMark> = new Map<TaskStatus, TaskMark>([
  ['in_progress', { like: 'running', word: 'in progress' }],
  ['blocked', { like: 'blocked', word: 'blocked' }],
  ['completed', { like: 'done', word: 'completed' }],
  ['cancelled', { like: 'parked', word: 'cancelled' }],
]);

/** How a task is shown: by symbol and colour of a state that is like its own, and a word. A status that nobody knows is pending. */
export function taskMark(status: string): TaskMark {
  return TASK_MARKS.get(status) ?? PENDING;
}

/** The neighbours in full words. */
export function neighboursOf(
  streams: readonly ReportStream[],
  nameOf: Neighbours['nameOf'] = new Map(),
): Neighbours {
  return { nameOf, stateOf: new Map(streams.map(({ id, state }) => [id, state])) };
}

/** `Stream-B (failed), Stream-C (running)`. */
export function namesWithStates(ids: readonly string[], { stateOf, nameOf }: Neighbours): string {
  return ids.map((id) => `${nameOf.get(id) ?? id} (${stateOf.get(id) ?? 'unknown'})`).join(', ');
}

/** `tried again at 14:05` (with its date when that is not today) or `in 25s`, for what comes by itself. */
export function dueText(stream: ReportStream, nowMs: number): string | null {
  if (stream.dueAt === null) return null;
  const dueMs = Date.parse(stream.dueAt);
  if (stream.state === 'limited')
    return dueMs - nowMs < 60_000
      ? `tried again in ${duration(dueMs - nowMs)}`
      : `tried again at ${minuteOf(dueMs, nowMs)}`;
  // What is looked at again within a second is no news, and what runs is under way.
  const soon = dueMs - nowMs < 1_000 || traitsOf(stream.state).phase === 'moves';
  return soon ? null : `in ${duration(dueMs - nowMs)}`;
}

/** To the minute, which is how limits are named. */
function minuteOf(ms: number, nowMs: number): string {
  const sameDay = new Date(ms).toDateString() === new Date(nowMs).toDateString();
  return sameDay ? clock(ms, false) : moment(ms, nowMs);
}

function sentence(stream: ReportStream, neighbours: Neighbours): string {
  const { state, doing, currentTask, blockedBy } = stream;
  // That nothing is running the screen says once.
  const { ownReason: reason } = stream;
  if (state === 'waiting' && blockedBy.length > 0)
    return `waits for ${namesWithStates(blockedBy, neighbours)}`;
  if (state === 'blocked') return reason ?? `waits for ${namesWithStates(blockedBy, neighbours)}`;
  if (state === 'done') return reason ?? '';
  // Of an agent at work both count: that its gate is red, and what it does about it.
  if (state === 'running' && reason !== null && doing !== null) return `${reason} · ${doing}`;
  const passesByItself = traitsOf(state).telling.remedy === 'none';
  return passesByItself ? (doing ?? reason ?? currentTask ?? '') : (reason ?? doing ?? '');
}

/** What to know of a stream beyond its state; not yet cleaned of what others wrote. */
export function noteOf(stream: ReportStream, neighbours: Neighbours, nowMs: number): string {
  const attributes = [stream.stale ? 'stale' : null, stream.landed ? 'landed' : null, dueText(stream, nowMs)];
  const parts = [...attributes, sentence(stream, neighbours)];
  return parts.filter((part) => part !== null && part !== '').join(', ');
}

/** `2c +40 −2`: commits and lines since the base; empty when nothing is known or nothing was done. */
export function changesOf(stream: ReportStream, style: Style): string {
  const { commits, added, removed } = stream;
  if (commits === null || added === null || removed === null || commits + added + removed === 0) return '';
  return `${commits}c +${amount(added)} ${style.glyphs.minus}${amount(removed)}`;
}

/** Time in the present state, `4m`; empty when unknown. */
export function ageOf(stream: ReportStream, nowMs: number): string {
  const ms = ageMs(stream.since, nowMs);
  return ms === null ? '' : duration(ms);
}
