/** Chooses the initiative that a new plan belongs to; makes and changes nothing. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { memoryCopilotPath } from '../app/paths.ts';
import type { Project } from '../app/project.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import type { Initiative, Plan } from '../core/types.ts';
import { activeInMemoryCopilot, type MemoryInitiative } from '../task-copilot/memory-copilot.ts';
import type { LinkedInitiative } from '../task-copilot/plan-draft.ts';
import { refuseSecondPlan } from '../task-copilot/tools/plan-checks.ts';

/** Longest title made of a feature, in characters. */
const LONGEST_TITLE = 100;

/**
 * The initiative that the new plan belongs to: Memory Copilot's active one, one that was linked and has no plan yet, or a new
 * one. Throws exit 7 when it has a plan already, or none is active where one must be.
 */
export async function initiativeFor(project: Project, feature: string): Promise<LinkedInitiative> {
  const { id: workspace, storePath } = project.workspace();
  const store = existsSync(storePath) ? await project.planStore() : null;
  const current = store?.currentInitiative() ?? null;
  const plan = store?.readPlan() ?? null;
  const active = activeInMemoryCopilot(memoryCopilotPath(project.env, workspace));
  if (active === null) throw noneActive(workspace);
  const found = active === 'absent' ? emptyOrNew(current, plan, feature) : fromMemory(active, feature);
  // Streams that belong to no initiative come into the first one that is linked.
  if (plan !== null && (current === null || current.id === found.id)) refuseSecondPlan(plan, found.id);
  return found;
}

/** The current initiative while nothing is planned for it, else a new one. */
function emptyOrNew(current: Initiative | null, plan: Plan | null, feature: string): LinkedInitiative {
  if (current !== null && plan?.streams.length === 0) return { ...current, description: null };
  return { id: `INIT-${randomUUID()}`, title: titleOf(feature), description: feature };
}

function fromMemory({ id, name, goal }: MemoryInitiative, feature: string): LinkedInitiative {
  return { id, title: name || titleOf(feature), description: goal };
}

function noneActive(workspace: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.input,
    `Memory Copilot has no active initiative in the workspace ${workspace}`,
    'start the initiative in Memory Copilot, by its tool initiative_start',
  );
}

/** The first line of the feature, cut to a title's length. */
function titleOf(feature: string): string {
  return printable(feature.trim().split('\n', 1)[0] ?? '', LONGEST_TITLE);
}
