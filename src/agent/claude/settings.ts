/** Builds what Claude Code is given for one run: its settings, with its permission rules, and its command line; writes nothing. */
import type { AgentSettings } from '../port.ts';
import { MCP_NAME } from '../run-files.ts';

/** The `hooks` section of a Claude Code settings file, passed through as it is. */
export type ClaudeHooks = Readonly<Record<string, readonly unknown[]>>;

/**
 * Git verbs that change the repository. Those that only look need no rule: seen with the real program, it runs them unasked in
 * every mode, and asks for the flags with which they write (`git diff --output=FILE`), which a rule would let through.
 */
const GIT_VERBS = ['add', 'commit'] as const;

/**
 * Permission rules of a worker: `agent.allow` when given, else git's everyday verbs and `commands` (gates and setup); how
 * it reports (the task command, our MCP tools) always.
 */
export function allowRules(agent: AgentSettings, commands: readonly string[], worktree: string): string[] {
  const own = [...GIT_VERBS.map((verb) => withArguments(`git ${verb}`)), ...commands.flatMap(exactly)];
  // This mode denies what is not listed, edits too: a worker that cannot edit does nothing.
  if (agent.permissions === 'dontAsk') own.push(`Edit(/${worktree}/**)`);
  return [...new Set([...(agent.allow ?? own), withArguments('orchestrate task'), `mcp__${MCP_NAME}`])];
}

function withArguments(command: string): string {
  return `Bash(${command}:*)`;
}

/**
 * The rule for this very command, as a whole: neither a part of it nor more arguments. None for one that a rule cannot say
 * exactly, since `*` stands for anything in a rule.
 */
function exactly(command: string): string[] {
  const text = command.trim();
  return text === '' || text.includes('*') ? [] : [`Bash(${text})`];
}

/** What the settings of one run depend on. */
export type SettingsRequest = {
  readonly agent: AgentSettings;
  /** Gate and setup commands. */
  readonly commands: readonly string[];
  readonly worktree: string;
  /** Files outside the worktree that the worker must be able to read; absolute. */
  readonly readable: readonly string[];
  readonly hooks: ClaudeHooks | null;
  /** Null: the user's own. */
  readonly statusLine: Readonly<Record<string, string>> | null;
};

/** The settings file of one run; rules write an absolute path with a second slash in front. */
export function claudeSettings(request: SettingsRequest): Readonly<Record<string, unknown>> {
  const { agent, commands, worktree, hooks, statusLine } = request;
  const reads = request.readable.map((file) => `Read(/${file})`);
  return {
    permissions: { allow: [...allowRules(agent, commands, worktree), ...reads] },
    // Marks the worker's window in tmux when the agent wants the user.
    preferredNotifChannel: 'terminal_bell',
    ...(hooks === null ? {} : { hooks }),
    ...(statusLine === null ? {} : { statusLine }),
    ...(agent.permissions === 'bypass' ? { skipDangerousModePermissionPrompt: true } : {}),
    // Nobody is there to answer the dialog for the project's own servers, which "all" asks for.
    ...(agent.mcp === 'all' ? { enableAllProjectMcpServers: true } : {}),
  };
}

/** Everything the command line depends on. */
export type ClaudeArguments = {
  readonly agent: AgentSettings;
  readonly command: string;
  /** Name shown in the prompt box, the pane's title and the session registry. */
  readonly name: string;
  /** What it is called where it can be reached from elsewhere; never begins with a dash. */
  readonly remoteName: string;
  readonly sessionId: string;
  /** Conversation to go on with, null for a new one. */
  readonly resume: string | null;
  readonly settingsFile: string;
  readonly mcpFile: string;
  /** Dollars after which a headless session ends by itself; null for no end. */
  readonly budgetUsd: number | null;
  readonly prompt: string;
};

/** Tools that wait for the user's answer, or leave the worktree. */
const UNATTENDED = ['AskUserQuestion', 'EnterPlanMode', 'EnterWorktree'] as const;

/** Flags that take several values stand where another flag ends them, and the prompt stands after `--`. */
export function claudeArguments(request: ClaudeArguments): string[] {
  const { agent, resume, budgetUsd } = request;
  const headless = agent.mode === 'print';
  return [
    request.command,
    ...(resume === null ? ['--session-id', request.sessionId] : ['--resume', resume]),
    ...(headless ? ['-p', '--output-format', 'stream-json', '--verbose'] : []),
    ...(headless && budgetUsd !== null ? ['--max-budget-usd', budgetUsd.toFixed(4)] : []),
    ...['--permission-mode', agent.permissions === 'bypass' ? 'bypassPermissions' : agent.permissions],
    ...['--settings', request.settingsFile],
    ...['--mcp-config', request.mcpFile],
    ...(agent.mcp === 'ours-only' ? ['--strict-mcp-config'] : []),
    ...(agent.attended ? [] : ['--disallowedTools', ...UNATTENDED]),
    ...(agent.model === null ? [] : ['--model', agent.model]),
    ...(agent.remoteControl && !headless ? ['--remote-control', request.remoteName] : []),
    ...['-n', request.name],
    ...agent.args,
    '--',
    request.prompt,
  ];
}
