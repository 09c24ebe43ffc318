/** What matters more to the user: the order of streams, and the report as screens show it. */
import { STREAM_STATES, type StateName, traitsOf } from '../core/states.ts';
import type { ReportStream, StatusReport } from './types.ts';

const urgency = (state: StateName): number => traitsOf(state).look.urgency;

/** All states, those first that the user should see first. */
export const STATES_BY_URGENCY: readonly StateName[] = [...STREAM_STATES].sort(
  (a, b) => urgency(a) - urgency(b),
);

const urgencyOf = (stream: ReportStream): number => (stream.needsYou ? 0 : urgency(stream.state));
const sinceMs = (stream: ReportStream): number =>
  stream.since === null ? Number.POSITIVE_INFINITY : Date.parse(stream.since);

/** Streams that wait for the user, longest first; those of unknown age last. */
export function waitingForYou(streams: readonly ReportStream[]): ReportStream[] {
  return streams
    .filter((stream) => stream.needsYou)
    .map((stream) => ({ stream, since: sinceMs(stream) }))
    .sort((a, b) => (a.since === b.since ? 0 : a.since - b.since))
    .map(({ stream }) => stream);
}

/** Streams by depth, in the plan's order within one. */
export function byDepth(streams: readonly ReportStream[]): ReportStream[] {
  return [...streams].sort((a, b) => a.depth - b.depth);
}

/** The same, one group for each depth that occurs. */
export function depthGroups(streams: readonly ReportStream[]): { depth: number; streams: ReportStream[] }[] {
  const groups: { depth: number; streams: ReportStream[] }[] = [];
  for (const stream of byDepth(streams)) {
    const last = groups.at(-1);
    if (last?.depth === stream.depth) last.streams.push(stream);
    else groups.push({ depth: stream.depth, streams: [stream] });
  }
  return groups;
}

/** All streams, the most important first. */
export function mostUrgentFirst(streams: readonly ReportStream[]): ReportStream[] {
  return streams
    .map((stream, place) => ({ stream, urgency: urgencyOf(stream), since: sinceMs(stream), place }))
    .sort(
      (a, b) =>
        a.urgency - b.urgency ||
        (a.urgency === 0 && a.since !== b.since ? a.since - b.since : a.place - b.place),
    )
    .map(({ stream }) => stream);
}

/** A text in which paths below the project's root stand without it. */
export function shortPaths(text: string, root: string): string {
  return text.replaceAll(root.endsWith('/') ? root : `${root}/`, '');
}

/** The report as screens show it: paths of the project in reasons and events are relative. Commands to type stay whole. */
export function forScreen(report: StatusReport): StatusReport {
  const short = (text: string): string => shortPaths(text, report.projectRoot);
  return {
    ...report,
    streams: report.streams.map((stream) => {
      const { reason, ownReason } = stream;
      return { ...stream, reason: reason && short(reason), ownReason: ownReason && short(ownReason) };
    }),
    events: report.events.map((event) => ({ ...event, message: short(event.message) })),
  };
}
