/** One real Claude Code session in a pane, launched exactly as the claude agent says; made whole, disposed whole. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type AgentOptions, createAgent } from '../../../src/agent/create-agent.ts';
import type { Agent, Launch } from '../../../src/agent/port.ts';
import { type Config, DEFAULT_CONFIG } from '../../../src/app/config/load.ts';
import type { AgentActivity, ProcessIdentity, Run, StreamRecord } from '../../../src/core/types.ts';
import { removeTree } from '../../support/remove-tree.ts';
import { type ClaudeHome, createClaudeHome, type HomeOptions } from './home.ts';
import { installClaude } from './install.ts';
import { type ModelServer, type Rule, startModelServer } from './model-server.ts';
import { openPane, type Pane } from './pane.ts';

export const KEY = 'stream-a';

export type Session = {
  readonly run: Run;
  readonly worker: ProcessIdentity;
  readonly launch: Launch;
  readonly pane: Pane;
  activity(): Promise<AgentActivity>;
};

export type Trial = AsyncDisposable & {
  readonly repo: string;
  readonly home: ClaudeHome;
  readonly server: ModelServer;
  readonly agent: Agent;
  /** Launches a session in a pane; `run.sessionId` of an earlier one in `resume` goes on with it. */
  launch(prompt: string, options?: { resume?: string; number?: number }): Promise<Session>;
};

export type TrialOptions = {
  readonly rules: readonly Rule[];
  readonly agent?: Partial<Config['agent']>;
  readonly home?: Partial<HomeOptions>;
  readonly options?: Partial<AgentOptions>;
  /** Leaves the repository untrusted. */
  readonly untrusted?: boolean;
};

/** Installs Claude Code when needed and sets up model server, home and a repository with one commit. */
export async function createTrial(trial: TrialOptions): Promise<Trial> {
  const command = await installClaude();
  const server = await startModelServer(trial.rules);
  const root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'orchestrate-trial-')));
  const repo = path.join(root, 'repo');
  const home = createClaudeHome({
    modelUrl: server.url,
    trusted: trial.untrusted ? [] : [repo],
    ...trial.home,
  });
  const git = (...args: string[]): void => void execFileSync('git', args, { env: home.env, stdio: 'pipe' });
  git('init', '-q', '-b', 'main', repo);
  git('-C', repo, 'commit', '-q', '--allow-empty', '-m', 'Begin');
  const agent = createAgent(
    { ...DEFAULT_CONFIG.agent, command, permissions: 'dontAsk', ...trial.agent },
    { projectRoot: repo, env: home.env, commands: [], ...trial.options },
  );
  const panes: Pane[] = [];
  const launchSession = async (prompt: string, resume: string | null, number: number): Promise<Session> => {
    const startedAtMs = Date.now();
    const launch = await agent.prepare({
      runDir: path.join(root, `run-${number}`),
      record: { key: KEY, streamId: 'Stream A', worktree: repo } as StreamRecord,
      run: number,
      prompt,
      resume,
      sessionId: randomUUID(),
      token: 'secret-of-the-run',
      env: {
        ...home.env,
        ORCHESTRATE_KEY: KEY,
        ORCHESTRATE_RUN: String(number),
        ORCHESTRATE_PROJECT: repo,
      },
    });
    const pane = await openPane(launch.argv, { cwd: repo, env: launch.env });
    panes.push(pane);
    const worker = { pid: pane.pid, start: startTicks(pane.pid) };
    const run = {
      key: KEY,
      number,
      startedAtMs,
      claimedAtMs: startedAtMs,
      sessionId: launch.sessionId,
    } as Run;
    return { run, worker, launch, pane, activity: () => agent.activity(run, worker, pane.screen) };
  };
  return {
    repo,
    home,
    server,
    agent,
    launch: (prompt, options = {}) => launchSession(prompt, options.resume ?? null, options.number ?? 1),
    [Symbol.asyncDispose]: async () => {
      for (const pane of panes) await pane.close();
      await server.close();
      home.remove();
      removeTree(root);
    },
  };
}

/** Field 22 of /proc/<pid>/stat, as process identities carry it; empty where there is no /proc. */
function startTicks(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
