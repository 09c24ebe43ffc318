/** A whole project worked by real Claude Code in real windows: repository, store, private tmux server and scripted model. */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { openProject } from '../../../src/app/project.ts';
import { openPorts } from '../../../src/app/wiring.ts';
import type { Task } from '../../../src/core/types.ts';
import { gatherReport } from '../../../src/report/gather.ts';
import type { StatusReport } from '../../../src/report/types.ts';
import { openPlanStore } from '../../../src/task-copilot/plan-store.ts';
import { type CliRig, createCliRig } from '../../support/cli-rig.ts';
import { DEADLINE_MS } from '../../support/wait.ts';
import { type ClaudeHome, createClaudeHome } from './home.ts';
import { installClaude } from './install.ts';
import { type ModelServer, type Rule, startModelServer } from './model-server.ts';

export type ClaudeProject = AsyncDisposable & {
  readonly cli: CliRig;
  readonly home: ClaudeHome;
  readonly server: ModelServer;
  readonly env: Readonly<Record<string, string>>;
  /** `orchestrate start …` in the background. */
  start(...args: string[]): Poller;
  /** `orchestrate …` to its end; its stdout. Fails on another exit code. */
  run(args: readonly string[], code?: number): Promise<string>;
  /** What `status` would say. */
  look(): Promise<StatusReport>;
  until(what: string, holds: (report: StatusReport) => boolean): Promise<StatusReport>;
  tmux(...args: string[]): string;
};

/** A poller in the background. */
export type Poller = {
  readonly child: ChildProcess;
  output(): string;
  readonly ended: Promise<number | null>;
};

export type ProjectOptions = {
  /** A plan as `import` takes it. */
  readonly plan: object;
  /** What the model says, given the tasks as they were created. */
  readonly rules: (taskOf: (title: string) => Task) => readonly Rule[];
  readonly config?: object;
  readonly agent?: object;
  readonly untrusted?: boolean;
  readonly subscriber?: boolean;
  /** Variables on top. */
  readonly env?: Readonly<Record<string, string>>;
};

/** Sets the project up; nothing runs yet but the model server. */
export async function createClaudeProject(options: ProjectOptions): Promise<ClaudeProject> {
  const command = await installClaude();
  const cli = await createCliRig();
  const rules: Rule[] = [];
  const server = await startModelServer(rules);
  const home = createClaudeHome({
    modelUrl: server.url,
    trusted: options.untrusted ? [] : [cli.root],
    subscriber: options.subscriber === true,
  });
  const env = { ...cli.env, ...home.env, ...options.env };
  const run = async (args: readonly string[], code = 0): Promise<string> => {
    const ended = await cli.run(args, { env });
    if (ended.code !== code)
      throw new Error(
        `orchestrate ${args.join(' ')} ended with ${ended.code}: ${ended.stderr}${ended.stdout}`,
      );
    return ended.stdout;
  };
  await run(['init', '--yes']);
  const agent = { kind: 'claude', command, permissions: 'bypass', ...options.agent };
  cli.write('.claude/orchestrator/config.json', JSON.stringify({ agent, staggerMs: 0, ...options.config }));
  cli.write('../plan.json', JSON.stringify(options.plan));
  await run(['import', '../plan.json']);
  const store = openPlanStore(`${env['TASK_DB_PATH']}/project/tasks.db`, { create: false });
  const tasks = store.listTasks();
  store.close();
  const taskOf = (title: string): Task => {
    const task = tasks.find((each) => each.title === title);
    if (task === undefined) throw new Error(`no task ${title}`);
    return task;
  };
  rules.push(...options.rules(taskOf));
  const project = openProject({ cwd: cli.root, env });
  const ports = await openPorts(project, { create: true });
  const look = async (): Promise<StatusReport> => (await gatherReport(ports)).report;
  const sharedLook = shared(look);
  const pollers: ChildProcess[] = [];
  return {
    cli,
    home,
    server,
    env,
    run,
    look,
    start: (...args) => {
      const poller = startPoller(cli, env, args);
      pollers.push(poller.child);
      return poller;
    },
    until: (what, holds) => untilReport(sharedLook, what, holds),
    tmux: (...args) => execFileSync('tmux', ['-L', cli.socket, ...args], { env, encoding: 'utf8' }),
    [Symbol.asyncDispose]: async () => {
      await cli.run(['stop'], { env });
      for (const child of pollers) child.kill('SIGKILL');
      project.close();
      await server.close();
      await cli[Symbol.asyncDispose]();
      home.remove();
    },
  };
}

/** How long a look serves everyone who waits at the same time. */
const LOOK_FRESH_MS = 150;

/** Gives a look that began no earlier than asked for, by `performance.now()`. */
type SharedLook = (sinceMs: number) => Promise<StatusReport>;

/** Looks once for all who ask at the same time: many scenes wait at once, and a look costs processor time. */
function shared(look: () => Promise<StatusReport>): SharedLook {
  let last: { readonly atMs: number; readonly report: Promise<StatusReport> } | null = null;
  return (sinceMs) => {
    const nowMs = performance.now();
    if (last === null || last.atMs < sinceMs || nowMs - last.atMs > LOOK_FRESH_MS)
      last = { atMs: nowMs, report: look() };
    return last.report;
  };
}

/**
 * Looks every quarter of a second; at the deadline fails with the last report and what tells the most. What was done before it
 * was called is in every report that it looks at.
 */
async function untilReport(
  look: SharedLook,
  what: string,
  holds: (report: StatusReport) => boolean,
): Promise<StatusReport> {
  const endMs = Date.now() + DEADLINE_MS;
  const sinceMs = performance.now();
  for (;;) {
    const report = await look(sinceMs);
    if (holds(report)) return report;
    if (Date.now() > endMs) {
      const told = report.streams.map(({ id, state, reason }) => `${id}: ${state} (${reason})`);
      const events = report.events.map(({ kind, message }) => `${kind}: ${message}`);
      throw new Error(`waited ${DEADLINE_MS} ms in vain for ${what}\n${[...told, ...events].join('\n')}`);
    }
    await sleep(250);
  }
}

function startPoller(cli: CliRig, env: Readonly<Record<string, string>>, args: readonly string[]): Poller {
  const child = cli.start(['start', ...args], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  child.stdin?.end();
  return { child, output: () => output, ended: new Promise((resolve) => child.once('close', resolve)) };
}
