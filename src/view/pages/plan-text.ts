/** The plan as text: streams by depth, the critical path, what can run side by side, and what is wrong with it. */
import { isCancelled } from '../../core/done.ts';
import { criticalPath } from '../../core/plan/critical-path.ts';
import { fileOverlaps } from '../../core/plan/file-overlaps.ts';
import { streamLevels, unorderedStreams } from '../../core/plan/graph.ts';
import { maxParallel } from '../../core/plan/parallelism.ts';
import { addCounts } from '../../core/plan/task-counts.ts';
import { plural, printable } from '../../core/printable.ts';
import type { Plan, PlanProblem, PlanStream, TaskCounts } from '../../core/types.ts';
import { fold } from '../text-width.ts';

/** Longest id or name shown whole. */
const MAX_NAME = 100;
/** Longest lists shown whole. */
const MAX_PATH = 30;
const MAX_LINES = 20;

const name = (text: string): string => printable(text, MAX_NAME);

/** Dependency structure and figures of a plan, as lines joined by line breaks, each at most `columns` wide (null: whole). */
export function planText(plan: Plan, columns: number | null = null): string {
  // What is cancelled stands in nobody's way.
  const wanted = plan.streams.filter((stream) => !isCancelled(stream));
  const lines = [...dependencyStructure(plan), '', ...figures(plan, wanted), ...overlapLines(wanted)];
  return lines.flatMap((line) => (columns === null ? [line] : fold(line, columns, 2))).join('\n');
}

/** What a new plan has put aside, as a line of its own; none where that is nothing. */
export function archivedLines(tasks: number): readonly string[] {
  return tasks === 0 ? [] : [`Archived: ${plural(tasks, 'task')} of earlier initiatives`];
}

/** Every problem on a line of its own, up to a bound; empty for a plan without problems. */
export function problemsText(problems: readonly PlanProblem[]): string {
  return upTo(
    MAX_LINES,
    problems.map((problem) => `  • ${printable(problem.message)}`),
  ).join('\n');
}

function dependencyStructure({ streams }: Plan): string[] {
  const byId = new Map(streams.map((stream) => [stream.id, stream]));
  const unordered = new Set(unorderedStreams(streams));
  const levels = streamLevels(streams).flatMap((ids, depth) => {
    const members = ids.flatMap((id) => byId.get(id) ?? []);
    return [
      '',
      `  ${levelTitle(
        depth,
        ids.some((id) => unordered.has(id)),
      )}:`,
      ...members.map(streamLine),
    ];
  });
  return ['Stream Dependency Structure:', ...levels];
}

function levelTitle(depth: number, unordered: boolean): string {
  if (unordered) return 'In a cycle, or behind one';
  return depth === 0 ? 'Depth 0 (Independent)' : `Depth ${depth}`;
}

function streamLine(stream: PlanStream): string {
  const title = stream.name === stream.id ? '' : ` (${name(stream.name)})`;
  const dependencies = upTo(MAX_PATH, stream.dependencies.map(name)).join(', ');
  return `    • ${name(stream.id)}${title}${dependencies === '' ? '' : ` → depends on: ${dependencies}`}`;
}

function figures({ streams }: Plan, wanted: readonly PlanStream[]): string[] {
  const path = criticalPath(wanted);
  const open = wanted.reduce((sum, { id, openTasks }) => sum + (path.includes(id) ? openTasks.length : 0), 0);
  const counts = addCounts(streams.map((stream) => stream.tasks));
  const shown = upTo(MAX_PATH, path.map(name)).join(' → ');
  return [
    `Tasks: ${plural(counts.total, 'task')} in ${plural(streams.length, 'stream')}${progressText(counts)}`,
    ...(path.length === 0
      ? []
      : [`Critical path: ${shown}${open === 0 ? '' : ` (${plural(open, 'open task')})`}`]),
    `Useful parallelism: ${plural(maxParallel(wanted), 'stream')} at once`,
  ];
}

function progressText(counts: TaskCounts): string {
  const parts = [
    [counts.completed, 'completed'],
    [counts.inProgress, 'in progress'],
    [counts.pending, 'pending'],
    [counts.blocked, 'blocked'],
    [counts.cancelled, 'cancelled'],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return shown.length === 0 ? '' : ` (${shown.join(', ')})`;
}

function overlapLines(streams: readonly PlanStream[]): string[] {
  const lines = fileOverlaps(streams).map(({ streams: [a, b], files }) => {
    const claims = upTo(5, files.map(name)).join(', ');
    return `  • ${name(a)} and ${name(b)}: ${claims}`;
  });
  if (lines.length === 0) return [];
  return ['', 'Files claimed by streams that may run side by side:', ...upTo(MAX_LINES, lines)];
}

/** At most `limit` texts, and after them how many are missing. */
function upTo(limit: number, texts: readonly string[]): string[] {
  if (texts.length <= limit) return [...texts];
  return [...texts.slice(0, limit), `… ${texts.length - limit} more`];
}
