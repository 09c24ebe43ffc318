/** The error for a plan that cannot be run: its problems, and what to do about them. */

import { EXIT, OrchestrateError } from '../core/errors.ts';
import { NO_PLAN } from '../core/plan/plan.ts';
import { printable } from '../core/printable.ts';
import type { PlanProblem } from '../core/types.ts';
import { problemsText } from '../view/pages/plan-text.ts';

/** What every task of a plan has to carry. */
const METADATA_SAMPLE = `Tasks must include stream metadata for orchestration:
  {
    "metadata": {
      "streamId": "Stream-A",
      "streamName": "Description",
      "dependencies": []
    }
  }

Run \`/orchestrate generate\` first to create PRD and tasks with stream metadata,
or import a plan: orchestrate import plan.yaml`;

/**
 * Exit 7 naming the first problem, with all of them below; null for a plan without problems. Where there is nothing but
 * the lack of streams, what tasks have to carry is below instead.
 */
export function planError(problems: readonly PlanProblem[]): OrchestrateError | null {
  const [first, ...others] = problems;
  if (first === undefined) return null;
  if (others.length === 0 && (first.code === 'no-streams' || first.code === 'archived-only')) {
    return new OrchestrateError(EXIT.input, printable(first.message), NO_PLAN.remedy, {
      box: METADATA_SAMPLE,
    });
  }
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return new OrchestrateError(
    EXIT.input,
    `${printable(first.message)}${more}`,
    'orchestrate import plan.yaml --update',
    { box: `Problems:\n${problemsText(problems)}` },
  );
}
