/** Any command as an agent: run in the worktree, at work while it lives, at rest when it has ended. */

import { printable } from '../../core/printable.ts';
import { UNKNOWN_ACTIVITY } from '../../core/worker-types.ts';
import { checkNoWall, findCommand, missingCommand } from '../find-command.ts';
import {
  type Agent,
  type AgentCheck,
  type AgentDeps,
  type AgentSettings,
  type Launch,
  type LaunchRequest,
  TELLS_NOTHING,
} from '../port.ts';
import { mcpConfig, programOf, writeRunFile } from '../run-files.ts';

/** The custom agent of `agent.command` and `agent.args`. */
export function createCustomAgent(agent: AgentSettings, deps: AgentDeps): Agent {
  return {
    ...TELLS_NOTHING,
    kind: 'custom',
    about: {
      agent: `custom: ${printable([agent.command, ...agent.args].join(' '))}`,
      permissions: 'set by the command',
      wall: null,
    },
    interactive: false,
    // Whatever it is, its terminal is its own: what is typed there, it may read.
    readsTyping: true,
    conversation: { transcript: () => [], output: () => null },
    login: null,
    resumeCommand: () => null,
    endSignal: 'SIGTERM',
    check: async () => [checkCustom(agent, deps), ...checkNoWall('a custom agent', agent.wall)],
    prepare: async (request) => prepareCustom(agent, deps, request),
    activity: async (run) => ({
      ...UNKNOWN_ACTIVITY,
      status: 'busy',
      sinceMs: run.claimedAtMs ?? run.startedAtMs,
    }),
    lastError: () => null,
    watchPaths: () => [],
    findConversation: () => null,
    transcripts: () => [],
  };
}

function checkCustom(agent: AgentSettings, deps: AgentDeps): AgentCheck {
  const file = findCommand(agent.command, deps.env['PATH'] ?? '', deps.projectRoot);
  return file === null
    ? missingCommand(agent.command)
    : { name: 'agent', level: 'ok', message: file, fix: null };
}

/** Writes prompt and MCP configuration and fills the placeholders inside arguments; no shell is involved. */
function prepareCustom(agent: AgentSettings, deps: AgentDeps, request: LaunchRequest): Launch {
  const env = { ...request.env, ORCHESTRATE_TOKEN: request.token };
  const values: Readonly<Record<string, string>> = {
    prompt_file: writeRunFile(request.runDir, 'prompt.md', request.prompt),
    mcp_config: writeRunFile(
      request.runDir,
      'mcp.json',
      JSON.stringify(mcpConfig(deps.mcpServer, env), null, 2),
    ),
    stream: request.record.streamId,
  };
  // One pass: a stream id that itself looks like a placeholder stays as it is.
  const fill = (argument: string): string =>
    argument.replace(/\{(prompt_file|stream|mcp_config)\}/g, (whole, name: string) => values[name] ?? whole);
  return { argv: [programOf(agent, deps), ...agent.args.map(fill)], env, sessionId: null };
}
