/** The commands that show what is going on. */
import type { CommandDefinition } from '../definition.ts';

export const LOOK_COMMANDS: readonly CommandDefinition[] = [];
