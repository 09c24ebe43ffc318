/** Builds what Claude Code is given for one run: settings with the allow list, and its MCP configuration; writes nothing. */
import type { Config } from '../../app/config/load.ts';

type AgentConfig = Config['agent'];

/** The `hooks` section of a Claude Code settings file, passed through as it is. */
export type ClaudeHooks = Readonly<Record<string, readonly unknown[]>>;

/** A command that serves MCP on stdio. */
export type McpServer = { readonly command: string; readonly args: readonly string[] };

const MCP_NAME = 'task-copilot';
const GIT_VERBS = ['add', 'commit', 'status', 'diff', 'log', 'show'] as const;

/**
 * Permission rules of a worker: `agent.allow` when given, else git's everyday verbs and `commands` (gates and setup); how
 * it reports (the task command, our MCP tools) always.
 */
export function allowRules(agent: AgentConfig, commands: readonly string[], worktree: string): string[] {
  const own = [...GIT_VERBS.map((verb) => `git ${verb}`), ...commands.flatMap(withParts)].map(bashRule);
  // This mode denies what is not listed, edits too: a worker that can't edit does nothing.
  if (agent.permissions === 'dontAsk') own.push(`Edit(/${worktree}/**)`);
  return [...new Set([...(agent.allow ?? own), bashRule('orchestrate task'), `mcp__${MCP_NAME}`])];
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

/** What the settings of one run depend on. */
export type SettingsRequest = {
  readonly agent: AgentConfig;
  /** Gate and setup commands. */
  readonly commands: readonly string[];
  readonly worktree: string;
  /** Files outside the worktree that the worker must be able to read; absolute. */
  readonly readable: readonly string[];
  readonly hooks: ClaudeHooks | null;
  /** Null: the person's own. */
  readonly statusLine: Readonly<Record<string, string>> | null;
};

/** The settings file of one run; rules write an absolute path with a second slash in front. */
export function claudeSettings(request: SettingsRequest): Readonly<Record<string, unknown>> {
  const { agent, commands, worktree, hooks, statusLine } = request;
  const reads = request.readable.map((file) => `Read(/${file})`);
  return {
    permissions: { allow: [...allowRules(agent, commands, worktree), ...reads] },
    // Marks the worker's window in tmux when the agent wants a person.
    preferredNotifChannel: 'terminal_bell',
    ...(hooks === null ? {} : { hooks }),
    ...(statusLine === null ? {} : { statusLine }),
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
