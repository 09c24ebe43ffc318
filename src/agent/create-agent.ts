/** Chooses the agent that the configuration names, or that made a run; the one place that imports them. */
import path from 'node:path';
import { DEFAULT_CONFIG } from '../app/config/config.ts';
import type { AgentKind } from '../core/run-types.ts';
import { createClaudeAgent } from './claude/claude.ts';
import { pluginParts } from './claude/plugin.ts';
import { claudeReviewer } from './claude/reviewer.ts';
import { createCodexAgent } from './codex/codex.ts';
import { createCustomAgent } from './custom/custom.ts';
import { createOpencodeAgent } from './opencode/opencode.ts';
import type { Agent, AgentDeps, AgentSettings, Reviewer } from './port.ts';

/** What a caller gives; the rest follows from the process. */
export type AgentOptions = Pick<AgentDeps, 'projectRoot' | 'env' | 'commands'> &
  Partial<
    Pick<AgentDeps, 'commonDir' | 'worktreeOf' | 'mcpServer' | 'reports' | 'maxCostUsd' | 'nowMs' | 'isRoot'>
  >;

/** The configured agent (`agent` of config.json). */
export function createAgent(agent: AgentSettings, options: AgentOptions): Agent {
  const deps: AgentDeps = {
    commonDir: path.join(options.projectRoot, '.git'),
    mcpServer: null,
    reports: null,
    maxCostUsd: null,
    nowMs: Date.now,
    isRoot: process.getuid?.() === 0,
    worktreeOf: (key) => path.resolve(options.projectRoot, DEFAULT_CONFIG.worktree.root, key),
    resolve: (file) => path.resolve(options.projectRoot, file),
    ...options,
  };
  return CREATE[agent.kind](agent, deps);
}

type Create = (agent: AgentSettings, deps: AgentDeps) => Agent;

const CREATE: Readonly<Record<AgentKind, Create>> = {
  claude: createClaudeAgent,
  codex: createCodexAgent,
  opencode: createOpencodeAgent,
  custom: createCustomAgent,
};

/** What plans: Claude Code, as it is configured when it is the agent, else as it stands in PATH. */
export function plannerProgram(agent: AgentSettings): Pick<AgentSettings, 'command' | 'args' | 'model'> {
  const { kind, command, args, model } = agent;
  if (kind === 'claude') return { command, args, model };
  return { command: 'claude', args: [], model: kind === 'custom' ? model : null };
}

/** What reviews: Claude Code, as what plans is chosen. */
export function createReviewer(agent: AgentSettings): Reviewer {
  return claudeReviewer(plannerProgram(agent));
}

export { pluginParts };
