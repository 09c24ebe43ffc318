/** The commands that read and change tasks. */
import { TASK_STATUSES } from '../../core/types.ts';
import type { CommandDefinition } from '../definition.ts';

const TASK = { name: 'task', required: true } as const;

export const TASK_COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'hook stop',
    summary: "what an agent's Stop hook asks: refuses, on stdout, while something is missing",
    args: [],
    options: [],
    examples: ['orchestrate hook stop'],
    hidden: true,
    load: () => import('../hook.ts'),
  },
  {
    name: 'task list',
    summary: 'tasks, oldest first (inside a run: its own)',
    args: [],
    options: [
      { name: 'stream', value: 'STREAM', description: 'Only tasks of this stream.' },
      { name: 'status', value: 'STATUS', choices: TASK_STATUSES, description: 'Only tasks of this status.' },
      { name: 'all', description: 'Tasks of earlier initiatives too.' },
    ],
    examples: ['orchestrate task list', 'orchestrate task list --stream Stream-B --status pending --json'],
    load: async () => ({ run: (await import('../task.ts')).list }),
  },
  {
    name: 'task show',
    summary: 'one task with its description and notes',
    args: [TASK],
    options: [],
    examples: ['orchestrate task show TASK-…'],
    load: async () => ({ run: (await import('../task.ts')).show }),
  },
  {
    name: 'task update',
    summary: "change a task's status or notes",
    args: [TASK],
    options: [
      { name: 'status', value: 'STATUS', choices: TASK_STATUSES, description: 'Its new status.' },
      { name: 'notes', value: 'TEXT', description: 'What was done and how it was checked.' },
      { name: 'blocked-reason', value: 'TEXT', description: 'What is missing (with --status blocked).' },
    ],
    examples: [
      'orchestrate task update TASK-… --status in_progress',
      'orchestrate task update TASK-… --status completed --notes "added the table, tests pass"',
    ],
    load: async () => ({ run: (await import('../task.ts')).update }),
  },
];
