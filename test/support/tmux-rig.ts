/** A private tmux server for one test, with a project beside it; both are gone afterwards. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTmux, type TmuxOptions } from '../../src/tmux/tmux.ts';
import type { Tmux, TmuxFacts } from '../../src/tmux/types.ts';
import { writeLaunch } from '../../src/worker/wrapper.ts';
import { removeTree } from './remove-tree.ts';

export type TmuxRig = AsyncDisposable & {
  /** Name of the private server's socket. */
  readonly socket: string;
  readonly dir: string;
  readonly root: string;
  /** A door to the server; `also` overrides its options. */
  door(also?: Partial<TmuxOptions>): Tmux;
  /** Runs tmux itself, as the user would, and returns what it printed. Fails the test unless it exits 0. */
  raw(...args: string[]): string;
  /** A run directory whose wrapper becomes `sh -c script`. */
  launch(key: string, run: number, script: string): string;
  /** What `look` sees; fails the test when it is unknown. */
  facts(tmux: Tmux): Promise<TmuxFacts>;
  /** Closes every pane that is ours. */
  closeAll(tmux: Tmux): Promise<void>;
};

/** Start time of a process as /proc tells it. */
export function identify(pid: number): { pid: number; start: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : { pid, start: fields[19] ?? '' };
  } catch {
    return null;
  }
}

/** `project`: name of the project's directory. `conf`: the server's configuration. */
export function createTmuxRig(project = 'app', conf = ''): TmuxRig {
  const socket = `orchestrate-test-${randomBytes(6).toString('hex')}`;
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'orchestrate-tmux-'));
  const root = join(dir, project);
  const configFile = join(dir, 'tmux.conf');
  mkdirSync(root, { recursive: true });
  writeFileSync(configFile, conf);
  const { TMUX: _outer, TMUX_PANE: _pane, ...env } = process.env;
  const tmux = (...args: string[]) =>
    spawnSync('tmux', ['-u', '-f', configFile, '-L', socket, ...args], { env, encoding: 'utf8', cwd: dir });
  const launch = (key: string, run: number, script: string): string => {
    const runDir = join(root, '.claude', 'orchestrator', 'runs', `${key}-${run}`);
    writeLaunch(runDir, { cwd: root, argv: ['/bin/sh', '-c', script], env: { PATH: env['PATH'] ?? '' } });
    return runDir;
  };
  const facts: TmuxRig['facts'] = async (door) => {
    const seen = await door.look(null);
    assert.ok(seen.known, seen.known ? '' : seen.why);
    return seen.value;
  };
  let summaries = 0;
  const prepareSummary = () => launch('summary', ++summaries, 'exec sleep 1000');
  return {
    socket,
    dir,
    root,
    launch,
    door: (also = {}) =>
      createTmux({ projectRoot: root, socket, env, identify, prepareSummary, configFile, ...also }),
    raw: (...args) => {
      const result = tmux(...args);
      assert.equal(result.status, 0, `tmux ${args.join(' ')}: ${result.stderr}`);
      return result.stdout;
    },
    facts,
    async closeAll(door) {
      for (const { id } of (await facts(door)).panes) tmux('kill-pane', '-t', id);
    },
    async [Symbol.asyncDispose]() {
      tmux('kill-server');
      const sockets = join(env['TMUX_TMPDIR'] ?? '/tmp', `tmux-${process.getuid?.() ?? 0}`);
      rmSync(join(sockets, socket), { force: true });
      const tag = createHash('sha256').update(root).digest('hex').slice(0, 16);
      rmSync(join('/tmp', `orchestrate-${process.getuid?.() ?? 0}`, tag), { force: true });
      removeTree(dir);
    },
  };
}
