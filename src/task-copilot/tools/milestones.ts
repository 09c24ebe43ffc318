/** Milestones that PRDs name in their metadata, and how far their tasks are. */

import type { PrdRow } from './prds.ts';
import { parseMetadata, textList, textOf } from './rows.ts';
import type { CopilotDb } from './tool-database.ts';

/** The milestones of the PRDs, in order; what is no milestone in someone's metadata is left out. */
export function milestonesOf(db: CopilotDb, prds: readonly PrdRow[]) {
  const isCompleted = db.sql.prepare(`SELECT 1 FROM tasks WHERE id = ? AND status = 'completed'`);
  return prds.flatMap((prd) =>
    milestoneList(prd).map(({ taskIds, ...milestone }) => {
      const completedTasks = taskIds.filter((id) => isCompleted.get(id) !== undefined).length;
      const totalTasks = taskIds.length;
      return {
        ...milestone,
        totalTasks,
        completedTasks,
        percentComplete: totalTasks === 0 ? 0 : Math.round((100 * completedTasks) / totalTasks),
        isComplete: totalTasks > 0 && completedTasks === totalTasks,
      };
    }),
  );
}

function milestoneList(prd: PrdRow) {
  const list = parseMetadata(prd.metadata)['milestones'];
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    if (typeof item !== 'object' || item === null) return [];
    const { id, name, description, taskIds } = item as Readonly<Record<string, unknown>>;
    if (typeof id !== 'string' || typeof name !== 'string') return [];
    return [{ id, name, description: textOf(description), taskIds: textList(taskIds) }];
  });
}
