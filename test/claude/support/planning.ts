/** A repository that is set up but has no plan, with real Claude Code and a scripted model: what planning one needs. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { templatePath } from '../../../src/app/package-root.ts';
import { openCopilotDatabase } from '../../../src/task-copilot/store-schema.ts';
import { type CliRig, createCliRig } from '../../support/cli-rig.ts';
import { DEADLINE_MS } from '../../support/wait.ts';
import { createClaudeHome } from './home.ts';
import { installClaude } from './install.ts';
import { type ModelServer, type Rule, type Step, startModelServer } from './model-server.ts';
import { openPane, type Pane } from './pane.ts';

type Place = { readonly cwd: string; readonly env: Readonly<Record<string, string>> };

export type PlanningRig = AsyncDisposable & {
  readonly cli: CliRig;
  readonly server: ModelServer;
  /** What the user's shell would have. */
  readonly env: Readonly<Record<string, string>>;
  /** `claude -p` with this prompt, to its end; what it printed. By default nothing runs but what a rule allows. */
  headless(prompt: string, mode?: 'manual' | 'bypassPermissions'): Promise<string>;
  /** An interactive session in a pane. */
  session(): Promise<Pane>;
  /** Looks into the plan's store; nothing where there is none. */
  query(sql: string): unknown[];
  /** What tools answered in all conversations so far, oldest first. */
  answers(): string[];
};

/** `script` tells what the model says, with a way to call Task Copilot's tools (`$prd` is the id of the last PRD made). */
export async function createPlanningRig(
  script: (call: (tool: string, input?: object) => Step) => readonly Rule[],
): Promise<PlanningRig> {
  const claude = await installClaude();
  const cli = await createCliRig();
  const rules: Rule[] = [];
  const server = await startModelServer(rules);
  rules.push(...script((tool, input = {}) => toolCall(server, tool, input)));
  const home = createClaudeHome({ modelUrl: server.url, trusted: [cli.root] });
  const place = { cwd: cli.root, env: { ...cli.env, ...home.env } };
  const store = path.join(cli.home, 'tasks', 'project', 'tasks.db');
  const made = await cli.run(['init'], { env: place.env });
  if (made.code !== 0) throw new Error(made.stderr);
  cli.write('.claude/orchestrator/config.json', JSON.stringify({ agent: { command: claude } }));
  // What Claude Code writes when the user accepts the project's server in its dialog.
  cli.write('.claude/settings.local.json', '{"enabledMcpjsonServers": ["task-copilot"]}');
  const panes: Pane[] = [];
  return {
    cli,
    server,
    env: place.env,
    headless: (prompt, mode = 'manual') => runHeadless(claude, mode, prompt, place),
    session: async () => {
      const pane = await openPane([claude, '--permission-mode', 'manual'], place);
      panes.push(pane);
      return pane;
    },
    query: (sql) => {
      if (!existsSync(store)) return [];
      const db = openCopilotDatabase(store, { create: false });
      try {
        return db.prepare(sql).all();
      } finally {
        db.close();
      }
    },
    answers: () => toolAnswers(server),
    [Symbol.asyncDispose]: async () => {
      for (const pane of panes) await pane.close();
      await server.close();
      await cli[Symbol.asyncDispose]();
      home.remove();
    },
  };
}

function runHeadless(claude: string, mode: string, prompt: string, place: Place): Promise<string> {
  const args = ['-p', '--permission-mode', mode, '--', prompt];
  return new Promise((resolve, reject) => {
    // A conversation of many turns, each with commands: not one thing that is waited for.
    const options = { ...place, timeout: 4 * DEADLINE_MS };
    const child = execFile(claude, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`claude -p: ${error.message}\n${stdout}\n${stderr}`));
    });
    child.stdin?.end();
  });
}

/** A call of Task Copilot's server; `$prd` in its input is the id of the last PRD made. */
export function toolCall(
  server: ModelServer,
  tool: string,
  input: object,
  prefix = 'mcp__task-copilot__',
): Step {
  const filled = (): unknown => {
    const prd = toolAnswers(server).findLast((answer) => answer.includes('PRD-')) ?? '';
    const id = /PRD-[0-9a-f-]{36}/.exec(prd)?.[0] ?? 'none';
    return JSON.parse(JSON.stringify(input).replaceAll('$prd', id));
  };
  return { tool: `${prefix}${tool}`, input: { toJSON: filled } };
}

/** What tools answered, oldest first. */
export function toolAnswers({ requests }: ModelServer): string[] {
  const seen = new Map<string, string>();
  for (const block of requests.flatMap(({ messages }) => messages.flatMap(({ content }) => content))) {
    if (block.type === 'tool_result') seen.set(block.tool_use_id, answerText(block.content));
  }
  return [...seen.values()];
}

/** What the guide says to allow, so that a session is not asked after the planner has finished. */
export function adviceOfTheGuide(): object {
  const guide = readFileSync(templatePath('ORCHESTRATION_GUIDE.md'), 'utf8');
  const block = /```json\n(\{\s*"permissions"[\s\S]*?)```/.exec(guide)?.[1];
  return JSON.parse(block ?? assert.fail('the guide has no such advice'));
}

function answerText(content: unknown): string {
  if (typeof content === 'string') return content;
  const blocks: readonly { readonly text?: string }[] = Array.isArray(content) ? content : [];
  return blocks.map(({ text = '' }) => text).join('\n');
}
