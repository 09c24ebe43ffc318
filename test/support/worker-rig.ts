/** A whole project under test: real repository, store, tmux server and command line, and workers that the test steers. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Ports } from '../../src/app/ports.ts';
import { openProject } from '../../src/app/project.ts';
import { openPorts } from '../../src/app/wiring.ts';
import type { TaskStatus } from '../../src/core/types.ts';
import { parsePlanFile } from '../../src/plan-file/parse.ts';
import { createProcesses } from '../../src/process/processes.ts';
import { gatherReport } from '../../src/report/gather.ts';
import type { ReportStream, StatusReport } from '../../src/report/types.ts';
import { watchDatabases } from '../../src/sqlite/watch-databases.ts';
import { checkOwner } from '../../src/task-copilot/owner.ts';
import { openPlanStore } from '../../src/task-copilot/plan-store.ts';
import type { PlanStore } from '../../src/task-copilot/types.ts';
import { type CliRig, createCliRig, type Ended, type RunOptions } from './cli-rig.ts';
import { DEADLINE_MS, inTime, until } from './wait.ts';
import {
  createWorkerDesk,
  STEERED_WORKER,
  type StandInKind,
  type Worker,
  type WorkerDesk,
} from './worker-desk.ts';

/** Dependencies by stream id, or a whole plan file. */
export type PlanSpec = Readonly<Record<string, readonly string[]>> | { readonly file: object };

/** A command line that runs in the background, such as a poller. */
export type Running = {
  readonly child: ChildProcess;
  /** What it printed so far, stderr too. */
  output(): string;
  /** Resolves to how it ended; fails the test when it goes on beyond the deadline. */
  end(): Promise<Ended>;
  /** Sends a signal and resolves to how it ended. */
  kill(signal?: NodeJS.Signals): Promise<Ended>;
};

export type ProjectRig = AsyncDisposable & {
  readonly cli: CliRig;
  readonly root: string;
  readonly store: PlanStore;
  readonly desk: WorkerDesk;
  /** The next worker of the stream that says hello (also one that did already and was not asked for). */
  nextWorker(stream: string): Promise<Worker>;
  /** From now on each worker is handed to `work`; its failure fails `settled`. */
  onWorker(work: (worker: Worker) => Promise<void>): void;
  /** `orchestrate start …`, in the background. */
  start(args?: readonly string[], options?: RunOptions): Running;
  /** `orchestrate …` to its end; fails the test unless it exits with `code`. */
  run(args: readonly string[], code?: number, options?: RunOptions): Promise<Ended>;
  /** `orchestrate status --json`. */
  status(): Promise<StatusReport>;
  /** What status would say, looked at from here. */
  look(): Promise<StatusReport>;
  stream(id: string): Promise<ReportStream>;
  /** Waits for a report that `holds`, looking again after every change. */
  until(what: string, holds: (report: StatusReport) => boolean): Promise<StatusReport>;
  untilState(id: string, state: ReportStream['state']): Promise<ReportStream>;
  /** Waits until its process, its pane and its server are written down, which is done after its worker has begun. */
  untilNoted(id: string): Promise<void>;
  setTasks(stream: string, status: TaskStatus, more?: { notes?: string; blockedReason?: string }): void;
  /** Changes config.json. */
  configure(part: object): void;
  tmux(...args: string[]): string;
  /** Processes of the project: workers and what belongs to them, commands of pollers. */
  marked(): { pid: number; mark: string }[];
};

export type RigOptions = {
  readonly plan?: PlanSpec;
  readonly config?: object;
  /** Directory name of the repository. */
  readonly name?: string;
  readonly tools?: readonly string[];
  /** The kind of agent that the steered workers stand for; without it they are commands of the user's own. */
  readonly agent?: StandInKind;
};

let templateFolder: Promise<string> | null = null;

/** A repository with one commit on `main` that `orchestrate init` has set up; made once a process, to be copied. */
function template(): Promise<string> {
  templateFolder ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'orchestrate-template-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const cli = await createCliRig();
    const { code, stderr } = await cli.run(['init', '--yes']);
    assert.equal(code, 0, stderr);
    cpSync(cli.root, folder, { recursive: true, verbatimSymlinks: true });
    await cli[Symbol.asyncDispose]();
    return folder;
  })();
  return templateFolder;
}

/** A plan file's content for dependencies by stream: one task a stream. */
export function planFile(dependencies: Readonly<Record<string, readonly string[]>>): object {
  const streams = Object.entries(dependencies).map(([id, on]) => ({
    id,
    name: `Work of ${id}`,
    dependencies: on,
    tasks: [{ title: `Task of ${id}` }],
  }));
  return { initiative: { id: 'init-1', title: 'The initiative' }, prd: { title: 'The product' }, streams };
}

/** The steered worker as config.json's agent; of a known kind it is started by that kind's rules. */
export function steeredAgent(desk: WorkerDesk, kind: StandInKind | null = null): object {
  if (kind !== null)
    return { kind, command: desk.standIn(kind), mode: kind === 'claude' ? 'print' : 'interactive' };
  const args = [STEERED_WORKER, desk.socketPath, desk.ledger, '{stream}', '{prompt_file}'];
  return { kind: 'custom', command: process.execPath, args };
}

/** Makes the project; its disposal at the test's end fails the test when its workers were not sound. */
export async function createProjectRig(options: RigOptions = {}): Promise<ProjectRig> {
  const from = await template();
  const cli = await createCliRig({
    repository: false,
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.tools === undefined ? {} : { tools: options.tools }),
  });
  cpSync(from, cli.root, { recursive: true, verbatimSymlinks: true });
  // It names the launcher of the template, by its path.
  rmSync(join(cli.root, '.mcp.json'), { force: true });
  const desk = await createWorkerDesk(cli.home);
  const configPath = join(cli.root, '.claude', 'orchestrator', 'config.json');
  const config: Record<string, unknown> = {
    agent: steeredAgent(desk, options.agent),
    gates: [],
    staggerMs: 0,
    restart: { maxAttempts: 3, windowMinutes: 60, delaysSeconds: [0.1] },
    tmux: { socket: cli.socket },
    ...options.config,
  };
  writeFileSync(configPath, JSON.stringify(config));
  const storePath = join(cli.home, 'tasks', options.name ?? 'project', 'tasks.db');
  checkOwner(storePath, cli.root, { claim: true, rename: 'another' });
  const store = openPlanStore(storePath, { create: true });
  importPlan(store, options.plan ?? { A: [] });
  const running = new Set<Running>();
  const eyes = createEyes(cli, store);
  const rig: ProjectRig = {
    cli,
    root: cli.root,
    store,
    desk,
    nextWorker: (stream) =>
      desk.next(stream).catch(async (error: unknown) => {
        const said = [...running].map((each) => each.output()).join('\n');
        throw new Error(`${String(error)}; ${stateText(await eyes.look())}\n${said}`, { cause: error });
      }),
    onWorker: (work) => desk.onWorker(work),
    start: (args = [], how = {}) => follow(cli.start(['start', ...args], how), running),
    async run(args, code = 0, how = {}) {
      const ended = await cli.run(args, how);
      assert.equal(ended.code, code, `orchestrate ${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
      return ended;
    },
    status: async () => JSON.parse((await rig.run(['status', '--json'])).stdout) as StatusReport,
    look: eyes.look,
    stream: async (id) => streamOf(await eyes.look(), id),
    until: eyes.until,
    async untilState(id, state) {
      const report = await eyes.until(`${id} is ${state}`, (seen) => streamOf(seen, id).state === state);
      return streamOf(report, id);
    },
    async untilNoted(id) {
      await until(`the worker of ${id} is written down`, () => eyes.isNoted(id));
    },
    setTasks(stream, status, more = {}) {
      for (const task of store.listTasks({ stream })) store.updateTask(task.id, { status, ...more });
    },
    configure(part) {
      Object.assign(config, part);
      writeFileSync(configPath, JSON.stringify(config));
    },
    tmux: (...args) => execFileSync('tmux', ['-L', cli.socket, ...args], { env: cli.env, encoding: 'utf8' }),
    marked: () => markedProcesses(cli.root),
    async [Symbol.asyncDispose]() {
      try {
        // Before the workers are killed under the hands of those who steer them.
        desk.assertSound();
      } finally {
        for (const { child } of running) child.kill('SIGKILL');
        spawnSync('tmux', ['-L', cli.socket, 'kill-server'], { env: cli.env, stdio: 'ignore' });
        await untilNobodyIsLeft(cli.root);
        eyes.close();
        await desk.close();
        store.close();
        rmSync(join('/tmp', `orchestrate-${process.getuid?.() ?? 0}`, projectHash(cli.root)), {
          force: true,
        });
        await cli[Symbol.asyncDispose]();
      }
    },
  };
  return rig;
}

function importPlan(store: PlanStore, spec: PlanSpec): void {
  const file = 'file' in spec && !Array.isArray(spec.file) ? spec.file : planFile(spec as never);
  const parsed = parsePlanFile(JSON.stringify(file));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  store.importPlan(parsed.plan, { update: false, dryRun: false });
}

function follow(child: ChildProcess, running: Set<Running>): Running {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(self);
      resolve({ code, signal, stdout, stderr });
    });
  });
  const self: Running = {
    child,
    output: () => stdout + stderr,
    end: () => inTime(ended, () => `it runs on: ${self.output()}`),
    kill(signal = 'SIGKILL') {
      child.kill(signal);
      return self.end();
    },
  };
  running.add(self);
  return self;
}

type Eyes = Pick<ProjectRig, 'look' | 'until'> & { isNoted(id: string): Promise<boolean>; close(): void };

/** How often to look where nothing was written: what an agent or a window does stands in no store. */
const LOOK_EVERY_MS = 250;
/** Changes come in bursts, and a look starts processes: for the rest of the time the machine is left to what is waited for. */
const PAUSE_PER_LOOK = 2;

/** Looks at the project from the test's own process, which costs far less than a command. */
function createEyes(cli: CliRig, store: PlanStore): Eyes {
  let opened: { ports: Ports; close(): void } | null = null;
  const ports = async (): Promise<Ports> => {
    if (opened === null) {
      const project = openProject({ cwd: cli.root, env: cli.env });
      opened = { ports: await openPorts(project, { create: true }), close: project.close };
    }
    return opened.ports;
  };
  const look = async (): Promise<StatusReport> => (await gatherReport(await ports())).report;
  return {
    look,
    async until(what, holds) {
      const { state } = await ports();
      const endMs = Date.now() + DEADLINE_MS;
      let wake = (): void => undefined;
      const watched = [store, state].map((each) => ({ path: each.path, check: () => each.changeToken() }));
      const watcher = watchDatabases(watched, () => wake());
      try {
        for (;;) {
          const changed = new Promise<void>((resolve) => {
            wake = resolve;
            setTimeout(resolve, LOOK_EVERY_MS);
          });
          const startedMs = performance.now();
          const report = await look();
          if (holds(report)) return report;
          assert.ok(Date.now() < endMs, `waited in vain until ${what}: ${stateText(report)}`);
          await pause(PAUSE_PER_LOOK * (performance.now() - startedMs));
          await changed;
        }
      } finally {
        watcher.close();
      }
    },
    async isNoted(id) {
      const records = (await ports()).state.allRecords().readable.values();
      const run = [...records].find(({ streamId }) => streamId === id)?.runs.at(-1);
      return run !== undefined && run.worker !== null && run.pane !== null;
    },
    close: () => opened?.close(),
  };
}

/** The report's stream; fails the test when there is none. */
export function streamOf(report: StatusReport, id: string): ReportStream {
  const stream = report.streams.find((each) => each.id === id);
  assert.ok(stream, `no stream ${id}`);
  return stream;
}

/** States by stream id. */
export function statesOf(report: StatusReport): Record<string, string> {
  return Object.fromEntries(report.streams.map(({ id, state }) => [id, state]));
}

function stateText(report: StatusReport): string {
  return report.streams.map(({ id, state, reason }) => `${id} ${state} (${reason})`).join('; ');
}

function projectHash(root: string): string {
  return createHash('sha256').update(root).digest('hex').slice(0, 16);
}

function markedProcesses(root: string): { pid: number; mark: string }[] {
  return createProcesses()
    .findMarked(`${projectHash(root)}:`)
    .map(({ identity, mark }) => ({ pid: identity.pid, mark }));
}

/** Kills who is there until there is nobody: a shell that starts programs may have been about to start one more. */
function untilNobodyIsLeft(root: string): Promise<true> {
  return until('the processes of the project are gone', () => {
    const left = markedProcesses(root);
    for (const { pid } of left) killIfThere(pid);
    return left.length === 0;
  });
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The text of a file of the project, empty when there is none. */
export function textAt(rig: ProjectRig, path: string): string {
  const file = join(rig.root, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
