/** What a tool is: its name, the shape of its input, what it does to the store; does not know JSON-RPC. */
import type * as z from 'zod';
import type { CopilotDb } from '../tools/tool-database.ts';
import type { RunScope } from './scope.ts';

/** What a tool works with. `db` is inside the call's one transaction. */
export type ToolContext = {
  readonly db: CopilotDb;
  /** The run this server is limited to; null for a person's own session. */
  readonly scope: RunScope | null;
  readonly workspace: string;
  readonly memoryDbPath: string;
  /** True while a worker of another initiative than `initiativeId` lives. */
  readonly workersLive: (initiativeId: string) => boolean;
};

/** A tool as the server holds it. */
export type Tool = {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodType;
  /** Whether the call needs a write transaction. */
  readonly changes: boolean;
  /** Arguments for which null means something else than "not given". */
  readonly nullable: readonly string[];
  /** `input` has been validated. A string is shown as it is, anything else as compact JSON. */
  readonly run: (context: ToolContext, input: unknown) => unknown;
};

/** Ties the type of a tool's input to its schema. */
export function tool<Schema extends z.ZodType>(definition: {
  name: string;
  description: string;
  input: Schema;
  changes: boolean;
  nullable?: readonly string[];
  run: (context: ToolContext, input: z.output<Schema>) => unknown;
}): Tool {
  const { run, nullable = [], ...rest } = definition;
  return { ...rest, nullable, run: (context, input) => run(context, input as z.output<Schema>) };
}
