/** The error for a plan that can't be run: the first problem, and what to do about it. */
import { printable } from '../core/printable.ts';
import type { PlanProblem } from '../core/types.ts';
import { EXIT, OrchestrateError } from '../errors.ts';

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

/** Exit 7 naming the first problem; null for a plan without problems. */
export function planError(problems: readonly PlanProblem[]): OrchestrateError | null {
  const [first, ...others] = problems;
  if (first === undefined) return null;
  if (first.code === 'no-streams' || first.code === 'archived-only') {
    return new OrchestrateError(EXIT.input, printable(first.message), 'orchestrate import plan.yaml', {
      box: METADATA_SAMPLE,
    });
  }
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return new OrchestrateError(
    EXIT.input,
    `${printable(first.message)}${more}`,
    'orchestrate plan shows every problem',
  );
}
