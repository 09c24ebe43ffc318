/** Judges what a planner stored (rows only, never what it said) and says what came of it: the box of a failure, the summary of a plan. */
import { quoted } from '../core/plan/plan-row.ts';
import { plural, printable } from '../core/printable.ts';
import type { PlanStream } from '../core/types.ts';
import type { Adopted, Draft, SoundDraft } from '../task-copilot/plan-draft.ts';
import { parseMetadata } from '../task-copilot/tools/rows.ts';
import { archivedLines, planText } from '../view/pages/plan-text.ts';

/** What was found in the draft store. */
export type DraftFindings = {
  readonly prds: number;
  readonly streams: number;
  readonly tasks: number;
  /** Everything that is wrong, most telling first; none for a plan that can be run. */
  readonly problems: readonly string[];
};

/** The draft's store was empty, so all it holds is new. */
export function verifyDraft(draft: Draft): DraftFindings {
  const { prds, tasks, plan } = draft;
  const missing = [
    prds.length === 0 ? 'no PRD was created' : null,
    tasks.length === 0 ? 'no task was created' : null,
    tasks.length > 0 && plan.streams.length === 0 ? 'no task names a stream' : null,
  ].filter((problem) => problem !== null);
  const graph = plan.problems.filter(({ code }) => code !== 'no-streams').map(({ message }) => message);
  const problems = [...missing, ...graph, ...tasks.flatMap(taskProblems)];
  return { prds: prds.length, streams: plan.streams.length, tasks: tasks.length, problems };
}

/** True when nothing is wrong with the draft. */
export function isSound(draft: Draft, findings: DraftFindings): draft is SoundDraft {
  return findings.problems.length === 0 && draft.initiative !== null;
}

function taskProblems({ title, metadata }: Draft['tasks'][number]): string[] {
  const { streamId, dependencies, streamDependencies } = parseMetadata(metadata);
  if (streamId === undefined || streamId === null) return [`task ${quoted(title)} has no streamId`];
  const isDeclared = [dependencies, streamDependencies].some(
    (value) => value !== undefined && value !== null,
  );
  return isDeclared ? [] : [`task ${quoted(title)} has no dependencies (an empty list means none)`];
}

const MOST_PROBLEMS = 10;

/** The box; `asks`: it ends with the question whether to retry. */
export function failureBox({ prds, streams, problems }: DraftFindings, asks: boolean): string {
  const rule = '━'.repeat(59);
  const shown = problems.slice(0, MOST_PROBLEMS).map((problem) => `  • ${printable(problem)}`);
  if (problems.length > MOST_PROBLEMS) shown.push(`  • … ${problems.length - MOST_PROBLEMS} more`);
  return [
    rule,
    '❌ ERROR: Verification Failed',
    rule,
    '',
    '@agent-ta did not properly use Task Copilot tools.',
    '',
    'Verification Results:',
    `  • PRDs found: ${prds}`,
    `  • Streams found: ${streams}`,
    '',
    'Problems:',
    ...shown,
    '',
    'The agent may have:',
    '  • Output a planning document instead of calling tools',
    '  • Skipped prd_create() or task_create() calls',
    '  • Failed to include metadata.streamId in tasks',
    '  • Created content but not stored it in Task Copilot',
    ...(asks ? ['', 'Would you like to retry with explicit tool enforcement? [y/n]'] : []),
    rule,
  ].join('\n');
}

/** PRD, counts, streams with their tasks, dependency structure, and what comes next. */
export function summaryText({ prd, tasks, streams, plan, archivedTasks }: Adopted): string {
  return [
    `PRD Created: ${prd}`,
    `Tasks Created: ${plural(tasks, 'task')} across ${plural(streams, 'stream')}`,
    ...archivedLines(archivedTasks),
    '',
    'Stream Structure:',
    ...plan.streams.map(streamLine),
    '',
    planText(plan),
    '',
    'Next: orchestrate start (inside Claude Code: /orchestrate start)',
  ].join('\n');
}

function streamLine({ id, name, tasks, dependencies }: PlanStream): string {
  const title = name === id ? '' : ` (${printable(name, 100)})`;
  const needs = dependencies.map((dependency) => printable(dependency, 100)).join(', ');
  const after = needs === '' ? '' : `, depends on ${needs}`;
  return `  ${printable(id, 100)}${title}: ${plural(tasks.total, 'task')}${after}`;
}
