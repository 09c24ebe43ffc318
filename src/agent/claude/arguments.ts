/** Builds Claude Code's command line for one run; pure. */

import type { AgentSettings } from '../port.ts';

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

/** Tools that wait for a person's answer, or leave the worktree. */
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
