/** The commands that start, stop and steer the work. */
import type { CommandDefinition } from '../definition.ts';

export const RUN_COMMANDS: readonly CommandDefinition[] = [];
