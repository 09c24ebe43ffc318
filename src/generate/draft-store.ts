/** A store of its own for one attempt at a plan, with the MCP configuration that leads the planner to it; removed whole. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDraft, type Draft, type LinkedInitiative, readDraft } from '../task-copilot/plan-draft.ts';

/** Name of our server, as Task Copilot's prompts and agents know it. */
export const SERVER_NAME = 'task-copilot';

export type DraftStore = {
  /** Path of the MCP configuration. */
  readonly mcpConfig: string;
  readonly read: () => Draft;
  readonly remove: () => void;
};

/** Makes an empty draft in a private temporary directory, with its initiative linked. */
export function openDraftStore(options: {
  readonly projectRoot: string;
  readonly workspace: string;
  readonly initiative: LinkedInitiative;
  /** Command line of our MCP server. */
  readonly server: { readonly command: string; readonly args: readonly string[] };
}): DraftStore {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-draft-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  const { projectRoot, workspace, initiative, server } = options;
  const base = join(directory, 'tasks');
  const store = join(base, workspace, 'tasks.db');
  const mcpConfig = join(directory, 'mcp.json');
  const env = { WORKSPACE_ID: workspace, TASK_DB_PATH: base, ORCHESTRATE_PROJECT: projectRoot };
  try {
    createDraft(store, initiative);
    const config = { mcpServers: { [SERVER_NAME]: { ...server, env } } };
    writeFileSync(mcpConfig, JSON.stringify(config, null, 2), { mode: 0o600 });
  } catch (error) {
    remove();
    throw error;
  }
  return { mcpConfig, read: () => readDraft(store), remove };
}
