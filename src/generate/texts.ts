/** What `generate` shows: the box of a plan that failed its verification, and the summary of one that passed. */
import { printable } from '../core/printable.ts';
import type { PlanStream } from '../core/types.ts';
import type { Adopted } from '../task-copilot/plan-draft.ts';
import { plural } from '../view/amounts.ts';
import { planText } from '../view/pages/plan-text.ts';
import type { Verdict } from './verify.ts';

const MOST_PROBLEMS = 10;

/** The box; `asks`: it ends with the question whether to retry. */
export function failureBox({ prds, streams, problems }: Verdict, asks: boolean): string {
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
  const archived =
    archivedTasks === 0 ? [] : [`Archived: ${plural(archivedTasks, 'task')} of earlier initiatives`];
  return [
    `PRD Created: ${prd}`,
    `Tasks Created: ${plural(tasks, 'task')} across ${plural(streams, 'stream')}`,
    ...archived,
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
