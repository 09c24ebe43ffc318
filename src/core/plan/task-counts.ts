/** Counts tasks by status. */
import type { TaskCounts } from '../types.ts';

/** Counts of the given statuses; cancelled ones are not in the total, and a status that nobody knows counts as pending. */
export function countTasks(statuses: readonly string[]): TaskCounts {
  let completed = 0;
  let inProgress = 0;
  let blocked = 0;
  let cancelled = 0;
  for (const status of statuses) {
    if (status === 'completed') completed += 1;
    else if (status === 'in_progress') inProgress += 1;
    else if (status === 'blocked') blocked += 1;
    else if (status === 'cancelled') cancelled += 1;
  }
  const total = statuses.length - cancelled;
  return {
    total,
    completed,
    inProgress,
    pending: total - completed - inProgress - blocked,
    blocked,
    cancelled,
  };
}

/** Counts of several streams together. */
export function addCounts(all: readonly TaskCounts[]): TaskCounts {
  const sum = (key: keyof TaskCounts) => all.reduce((total, counts) => total + counts[key], 0);
  return {
    total: sum('total'),
    completed: sum('completed'),
    inProgress: sum('inProgress'),
    pending: sum('pending'),
    blocked: sum('blocked'),
    cancelled: sum('cancelled'),
  };
}
