/** The commands that make, check and edit the plan. */
import type { CommandDefinition } from '../definition.ts';

export const PLAN_COMMANDS: readonly CommandDefinition[] = [];
