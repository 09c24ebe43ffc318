/** Chooses the agent that the configuration names; the one place that knows which kinds there are. */
import path from 'node:path';
import { createClaudeAgent } from './claude/claude.ts';
import { createCustomAgent } from './custom/custom.ts';
import type { Agent, AgentDeps, AgentSettings } from './port.ts';

/** What a caller gives; the rest follows from the process. */
export type AgentOptions = Pick<AgentDeps, 'projectRoot' | 'env' | 'commands'> &
  Partial<Pick<AgentDeps, 'mcpServer' | 'reports' | 'maxCostUsd' | 'nowMs' | 'isRoot'>>;

/** The configured agent (`agent` of config.json). */
export function createAgent(agent: AgentSettings, options: AgentOptions): Agent {
  const deps: AgentDeps = {
    mcpServer: null,
    reports: null,
    maxCostUsd: null,
    nowMs: Date.now,
    isRoot: process.getuid?.() === 0,
    resolve: (file) => path.resolve(options.projectRoot, file),
    ...options,
  };
  return agent.kind === 'custom' ? createCustomAgent(agent, deps) : createClaudeAgent(agent, deps);
}
