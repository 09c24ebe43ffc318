/** Every command there is, in the order and under the headings of the help. */
import type { CommandDefinition, CommandGroup } from './definition.ts';
import { LOOK_COMMANDS } from './table/look.ts';
import { PLAN_COMMANDS } from './table/plan.ts';
import { RUN_COMMANDS } from './table/run.ts';
import { SETUP_COMMANDS } from './table/setup.ts';
import { TASK_COMMANDS } from './table/task.ts';

export const COMMAND_GROUPS: readonly CommandGroup[] = [
  { title: 'Plan', commands: PLAN_COMMANDS },
  { title: 'Run', commands: RUN_COMMANDS },
  { title: 'Look', commands: LOOK_COMMANDS },
  { title: 'Tasks', commands: TASK_COMMANDS },
  { title: 'Set up', commands: SETUP_COMMANDS },
];

export const COMMANDS: readonly CommandDefinition[] = COMMAND_GROUPS.flatMap(({ commands }) => commands);
