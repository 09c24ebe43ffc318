/** Runs the built command line as the user would: own home, own store, own tmux server, in a throw-away repository. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureBuilt } from '../../scripts/build.ts';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { removeTree } from './remove-tree.ts';
import { templateRepository } from './template.ts';
import { inTime } from './wait.ts';

export type Ended = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type RunOptions = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
};

export type CliRig = AsyncDisposable & {
  /** Private directory around everything. */
  readonly home: string;
  /** The repository: one commit on `main`. */
  readonly root: string;
  /** Name of the private tmux server's socket. */
  readonly socket: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs `orchestrate …` to its end; fails the test when there is none. */
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Starts `orchestrate …`; it is killed at the end of the test at the latest. */
  start(args: readonly string[], options?: RunOptions): ChildProcess;
  git(...args: string[]): string;
  /** Writes a file (parents made) below the repository, or at an absolute path. */
  write(path: string, text: string): void;
  read(path: string): string;
};

/** Looked after once a process: to look at every source takes longer than a quick command. */
let built: Promise<void> | null = null;

/** `name`: the repository's directory; `tools`: directories put in front of PATH. */
export async function createCliRig(
  options: { readonly name?: string; readonly tools?: readonly string[]; readonly repository?: boolean } = {},
): Promise<CliRig> {
  built ??= ensureBuilt();
  await built;
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'orchestrate-cli-')));
  const root = join(home, options.name ?? 'project');
  const socket = `orchestrate-test-${randomBytes(6).toString('hex')}`;
  mkdirSync(root, { recursive: true });
  const env: Record<string, string> = {
    HOME: home,
    PATH: [...(options.tools ?? []), process.env['PATH'] ?? ''].join(':'),
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    SHELL: '/bin/sh',
    TASK_DB_PATH: join(home, 'tasks'),
    TMUX_TMPDIR: home,
    ORCHESTRATE_TMUX_SOCKET: socket,
    GIT_CONFIG_NOSYSTEM: '1',
  };
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: root,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trimEnd();
  const at = (path: string) => (path.startsWith('/') ? path : join(root, path));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text);
  };
  if (options.repository !== false)
    cpSync(templateRepository({ 'README.md': 'A project.\n' }), root, { recursive: true });
  const children = new Set<ChildProcess>();
  const start = (args: readonly string[], how: RunOptions = {}): ChildProcess => {
    const child = spawn(process.execPath, [CLI_ENTRY, ...args], {
      cwd: how.cwd ?? root,
      env: { ...env, ...how.env },
      stdio: 'pipe',
    });
    children.add(child);
    child.once('close', () => children.delete(child));
    return child;
  };
  return {
    home,
    root,
    socket,
    env,
    git,
    write,
    read: (path) => readFileSync(at(path), 'utf8'),
    start,
    run: (args, how = {}) => untilEnd(start(args, how), how.input ?? ''),
    [Symbol.asyncDispose]: async () => {
      for (const child of children) child.kill('SIGKILL');
      if (existsSync(join(home, `tmux-${process.getuid?.() ?? 0}`, socket)))
        spawnSync('tmux', ['-L', socket, 'kill-server'], { env, stdio: 'ignore' });
      removeTree(home);
    },
  };
}

function untilEnd(child: ChildProcess, input: string): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  // A command that ends without reading its stdin closes the pipe first.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return inTime(ended, () => `${child.spawnargs.join(' ')} runs on: ${stdout}${stderr}`);
}
