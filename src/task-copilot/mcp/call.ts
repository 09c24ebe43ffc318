/** What a tool is, and how one call of it is performed: validated, in one transaction, answered in its exact form; knows no tool by name. */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type * as z from 'zod';
import { messageOf, OrchestrateError } from '../../core/errors.ts';
import { dotted, JSON_WORDING, valueProblem, type Wording } from '../../core/schema-issue.ts';
import { type RunScope, ScopeRefusal } from '../../core/scope.ts';
import { openRepository } from '../repository.ts';
import { type CopilotDb, Refusal } from '../tools/rows.ts';

/** How long a call waits for other writers: well below the time that clients wait for an answer. */
const LOCK_WAIT_MS = 20_000;
const WORDING: Wording = { ...JSON_WORDING, missing: 'is required' };
/** Problems named in one answer; further ones are counted. */
const MAX_NAMED = 5;

/** Which store a server works on, and for whom. */
export type SiteOptions = {
  readonly planDbPath: string;
  /** Called before the store is opened or created; throws when it must not be. */
  readonly beforeOpening: () => void;
  readonly workspace: string;
  readonly memoryDbPath: string;
  /** The run of the worker that this server is for, asked at each call; throws ScopeRefusal. Null for a user's session. */
  readonly scope: (() => RunScope) | null;
  /** Called for everything that a worker wanted and was refused. */
  readonly onRefused: (toolName: string, refusal: ScopeRefusal) => void;
  /** Throws while workers of another initiative than this one live; null: while any do. */
  readonly refuseSwitch: (initiativeId: string | null) => void;
  /** Receives what cannot be told to the client, one line each. */
  readonly warn: (line: string) => void;
};

/** What a tool works with. `db` is inside the call's one transaction. */
export type ToolContext = Pick<SiteOptions, 'workspace' | 'memoryDbPath' | 'refuseSwitch'> & {
  readonly db: CopilotDb;
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

/** Where calls are performed. */
export type CallSite = {
  /** Calls `tool`; whatever goes wrong becomes an answer that says so. */
  readonly call: (tool: Tool, given: Readonly<Record<string, unknown>>) => CallToolResult;
  readonly close: () => void;
};

/** The place where calls are performed; the store is opened by the first one. */
export function openCallSite(options: SiteOptions): CallSite {
  const { planDbPath, beforeOpening, scope } = options;
  const repository = openRepository(planDbPath, { create: true, busyTimeoutMs: LOCK_WAIT_MS, beforeOpening });
  const perform = (tool: Tool, input: unknown): unknown => {
    const run = scope === null ? null : scope();
    // Inside a run the store refuses by itself, whoever lives.
    const refuseSwitch = run === null ? options.refuseSwitch : () => undefined;
    const work = (db: CopilotDb) => tool.run({ ...options, refuseSwitch, db }, input);
    return tool.changes ? repository.write(work, run) : repository.read(work);
  };
  return {
    call: (tool, given) => {
      const checked = validate(tool, given);
      if (!checked.ok) return failure(`Error: ${checked.message}`);
      try {
        return success(perform(tool, checked.input));
      } catch (error) {
        if (error instanceof ScopeRefusal) tellRefusal(options, tool.name, error);
        return failure(`Error: ${explain(error)}`);
      }
    },
    close: repository.close,
  };
}

function tellRefusal({ onRefused, warn }: SiteOptions, toolName: string, refusal: ScopeRefusal): void {
  try {
    onRefused(toolName, refusal);
  } catch (error) {
    warn(`could not record a refused ${toolName}: ${messageOf(error)}`);
  }
}

/** The answer to a call of a tool that doesn't exist. */
export function unknownTool(name: string): CallToolResult {
  return failure(`Unknown tool: ${name}`);
}

function explain(error: unknown): string {
  if (error instanceof Refusal || error instanceof ScopeRefusal) return error.message;
  if (error instanceof OrchestrateError) return `${error.message} (${error.fix})`;
  return messageOf(error);
}

function success(answer: unknown): CallToolResult {
  return { content: [{ type: 'text', text: typeof answer === 'string' ? answer : JSON.stringify(answer) }] };
}

function failure(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true };
}

/** The validated input, or the sentence that names what is wrong with it. */
function validate(
  tool: Tool,
  given: Readonly<Record<string, unknown>>,
): { ok: true; input: unknown } | { ok: false; message: string } {
  const entries = Object.entries(given).filter(
    ([name, value]) => value !== null || tool.nullable.includes(name),
  );
  const input = Object.fromEntries(entries);
  const result = tool.input.safeParse(input);
  if (result.success) return { ok: true, input: keep(input, result.data) };
  const problems = result.error.issues.map((issue) => describe(issue, input));
  const named = problems.slice(0, MAX_NAMED).join('; ');
  const more = problems.length > MAX_NAMED ? `; and ${problems.length - MAX_NAMED} more` : '';
  return { ok: false, message: `Invalid arguments for ${tool.name}: ${named}${more}` };
}

/** No schema changes a value, and the parsed copy of metadata has its keys in another order: what was given is used. */
function keep(input: Readonly<Record<string, unknown>>, parsed: unknown): Record<string, unknown> {
  const names = Object.keys(Object(parsed)).filter((name) => name in input);
  return Object.fromEntries(names.map((name) => [name, input[name]]));
}

/** The field in the spelling that the caller used, and what is wrong with it. */
function describe(issue: z.core.$ZodIssue, input: unknown): string {
  return `${dotted(issue.path) || 'arguments'}: ${valueProblem(issue, input, WORDING)}`;
}
