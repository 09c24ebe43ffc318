/** Performs one tool call: validates, opens the store, one transaction, and the answer's exact form; knows no tool by name. */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { messageOf, OrchestrateError } from '../../core/errors.ts';
import { Refusal } from '../tools/tool-database.ts';
import { ScopeRefusal } from './scope.ts';
import type { Tool, ToolContext } from './tool.ts';
import { validate } from './validate.ts';

/** What a call needs of the outside. */
export type CallSite = {
  /** Runs `work` in one transaction (IMMEDIATE when it `changes` anything); undone when it throws. */
  readonly inTransaction: (changes: boolean, work: (context: ToolContext) => unknown) => unknown;
  /** Called for everything that a worker wanted and wasn't allowed. */
  readonly onRefused: (toolName: string, refusal: ScopeRefusal) => void;
};

/** Calls `tool`; whatever goes wrong becomes an answer that says so. */
export function callTool(
  tool: Tool,
  given: Readonly<Record<string, unknown>>,
  site: CallSite,
): CallToolResult {
  const checked = validate(tool, given);
  if (!checked.ok) return failure(`Error: ${checked.message}`);
  try {
    return success(site.inTransaction(tool.changes, (context) => tool.run(context, checked.input)));
  } catch (error) {
    if (error instanceof ScopeRefusal) site.onRefused(tool.name, error);
    return failure(`Error: ${explain(error)}`);
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
