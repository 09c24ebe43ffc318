/** What agents need of their surroundings; plain data and functions given by the composition root. */
import type { Config } from '../app/config/load.ts';
import type { TokenCheck } from './claude/reports.ts';
import type { McpServer } from './claude/settings.ts';

export type AgentSettings = Config['agent'];

/** What an agent needs of its surroundings, complete. */
export type AgentDeps = {
  readonly projectRoot: string;
  /** Environment of whoever starts workers: PATH, HOME, CLAUDE_CONFIG_DIR … */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Gate and setup commands: a worker may run them unasked. */
  readonly commands: readonly string[];
  /** Our MCP server; null: workers report with `orchestrate task`. */
  readonly mcpServer: McpServer | null;
  /** Where the agent's hooks put their reports, and how they are known for a run's own; null: no hooks. */
  readonly reports: { readonly spool: string; readonly isTokenOf: TokenCheck } | null;
  /** Dollars that one stream may cost; null: no cap, and then the agent is not made to tell what it costs while it works. */
  readonly maxCostUsd: number | null;
  readonly nowMs: () => number;
  readonly isRoot: boolean;
  /** A path of the configuration (relative to the project) as an absolute one. */
  readonly resolve: (file: string) => string;
};
