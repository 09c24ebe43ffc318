/** Builds what Claude Code is given for one run: settings with the allow list, and its MCP configuration; writes nothing. */
import type { Config } from '../config.ts';

type AgentConfig = Config['agent'];

/** The `hooks` section of a Claude Code settings file, passed through as it is. */
export type ClaudeHooks = Readonly<Record<string, readonly unknown[]>>;

/** A command that serves MCP on stdio. */
export type McpServer = { readonly command: string; readonly args: readonly string[] };

const MCP_NAME = 'task-copilot';
const GIT_VERBS = ['add', 'commit', 'status', 'diff', 'log', 'show'] as const;

/**
 * Permission rules of a worker: `agent.allow` when given, else git's everyday verbs, the task command and `commands`
 * (gates and setup); our MCP tools always.
 */
export function allowRules(agent: AgentConfig, commands: readonly string[]): string[] {
  const own = [...GIT_VERBS.map((verb) => `git ${verb}`), 'orchestrate task', ...commands.flatMap(withParts)];
  const rules = agent.allow ?? own.map(bashRule);
  return [...new Set([...rules, `mcp__${MCP_NAME}`])];
}

/** The command itself and, since Claude Code judges a compound command part by part, each of its parts. */
function withParts(command: string): string[] {
  const parts = command.split(/&&|\|\||[;|\n]/).map((part) => part.trim());
  return [command.trim(), ...parts].filter((part) => part !== '');
}

/** Allows the command with any further arguments. */
function bashRule(command: string): string {
  return `Bash(${command}:*)`;
}

/** The settings file of one run. `readable` are files outside the worktree that the worker must be able to read. */
export function claudeSettings(
  agent: AgentConfig,
  commands: readonly string[],
  readable: readonly string[],
  hooks: ClaudeHooks | null,
): Readonly<Record<string, unknown>> {
  const reads = readable.map((file) => `Read(/${file})`);
  return {
    permissions: { allow: [...allowRules(agent, commands), ...reads] },
    // Marks the worker's window in tmux when the agent wants a person.
    preferredNotifChannel: 'terminal_bell',
    ...(hooks === null ? {} : { hooks }),
    ...(agent.permissions === 'bypass' ? { skipDangerousModePermissionPrompt: true } : {}),
    // Nobody is there to answer the dialog for the project's own servers, which "all" asks for.
    ...(agent.mcp === 'all' ? { enableAllProjectMcpServers: true } : {}),
  };
}

/** The MCP configuration of one run; `env` (with the run's secret) goes to the server only. */
export function mcpConfig(
  server: McpServer | null,
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  const entry = server === null ? {} : { [MCP_NAME]: { command: server.command, args: server.args, env } };
  return { mcpServers: entry };
}
