/** What a machine can be like: full, narrow, without a terminal, without private defaults, with a home that cannot be written. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { runLikeOthers } from '../../test/support/like-others.ts';
import { openTerminal } from '../../test/support/tmux-client.ts';
import { until } from '../../test/support/wait.ts';
import { type ProjectRig, statesOf } from '../../test/support/worker-rig.ts';
import { createFault, faultObstacle } from './fault.ts';
import { assertKept, assertStatusAgrees, untilNobodyIsLeft } from './oracle.ts';
import { projectWithIgnored, workEach } from './scenes.ts';
import { assertWellTold, atEach, type Case, type Sweep } from './sweep.ts';

const PLAN = { A: [], B: ['A'], C: ['A'] };
const ALL_DONE = { A: 'done', B: 'done', C: 'done' };

/** A project whose agents work, in which `harm` is done; afterwards a plain start finishes all. */
async function harmed(harm: (rig: ProjectRig) => Promise<void>): Promise<void> {
  const restart = { maxAttempts: 50, windowMinutes: 60, delaysSeconds: [0.2] };
  await using rig = await projectWithIgnored(PLAN, [], { restart });
  // An agent that cannot write either is no agent for long.
  const made = workEach(rig, (worker) => worker.kill());
  await harm(rig);
  const { code, stdout, stderr } = await rig.start().end();
  assert.equal(code, 0, `${stdout}${stderr}`);
  assert.deepEqual(statesOf(await assertStatusAgrees(rig)), ALL_DONE);
  assertKept(rig, made.commits);
  await untilNobodyIsLeft(rig);
}

/** The disk is full for git, tmux's shells, agents and us from the `at`-th write on, for a while; the same poller goes on when there is room. */
function fullDisk(at: number): Promise<void> {
  return harmed(async (rig) => {
    using fault = createFault({
      program: ' ',
      calls: ['write', 'open', 'make'],
      under: rig.cli.home,
      at,
      what: `from:${constants.errno.ENOSPC}`,
    });
    const poller = rig.start(['--poll', '1'], { env: fault.env });
    const over = poller.end();
    const full = until('the disk is full', () => fault.fired());
    await Promise.race([over, full.then(() => pause(2_000))]);
    fault.end();
    // Whoever could not begin says so in one line; whoever polls on is ended by the last stream.
    assertWellTold(await over);
  });
}

/** Every command that only looks, with nobody's terminal and with one of twenty columns. */
const LOOKS: readonly (readonly string[])[] = [
  ['status'],
  ['status', 'A'],
  ['plan'],
  ['report'],
  ['logs', 'A'],
  ['task', 'list'],
  ['doctor'],
  ['clean', '--dry-run'],
  ['merge', '--dry-run'],
  ['recover'],
  ['help'],
];

async function withoutTerminal(): Promise<void> {
  await using rig = await projectWithIgnored(PLAN, []);
  workEach(rig);
  await rig.start().end();
  for (const words of LOOKS) {
    const env = { COLUMNS: '20', TERM: 'dumb', NO_COLOR: '1' };
    const ended = await rig.cli.run(words, { env });
    assertWellTold(ended);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what is looked for
    assert.doesNotMatch(ended.stdout, /\u001b/, words.join(' '));
  }
  const { stdout } = await rig.run(['status', '--json']);
  assert.deepEqual(statesOf(JSON.parse(stdout)), ALL_DONE);
}

/** Nobody reads what a command prints, as behind `| head`: nothing is said of it. */
async function cutOff(): Promise<void> {
  await using rig = await projectWithIgnored(PLAN, []);
  workEach(rig);
  await rig.start().end();
  for (const words of [...LOOKS, ['logs', 'A', '--raw'], ['status', '--json']]) {
    const script = 'node "$@" 2>../stderr | true; cat ../stderr >&2; rm ../stderr';
    const { stderr, status } = spawnSync('/bin/sh', ['-c', script, 'sh', CLI_ENTRY, ...words], {
      cwd: rig.root,
      env: rig.cli.env,
      encoding: 'utf8',
    });
    assert.deepEqual([words, status, stderr], [words, 0, '']);
  }
}

async function narrow(): Promise<void> {
  await using rig = await projectWithIgnored(PLAN, []);
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  for (const words of [['watch'], ['status', '--watch', '1'], ['plan'], ['status']]) {
    const hold = 'node "$@"; echo "ended $?"; exec sleep 1000';
    const argv = ['/bin/sh', '-c', hold, 'sh', CLI_ENTRY, ...words];
    using terminal = openTerminal(argv, { columns: 20, rows: 8 }, rig.cli.env, rig.root);
    const lasting = words.includes('watch') || words.includes('--watch');
    const screen = await terminal.sees(lasting ? /\bA\b|running|tasks/ : /ended \d/);
    assert.doesNotMatch(screen, /at .*:\d+:\d+|unexpected/, words.join(' '));
    if (!lasting) assert.match(screen, /ended 0/, words.join(' '));
  }
  await worker.commit('a.txt');
  await poller.kill();
}

/** Whatever the umask, nothing below our directory is anybody else's to read, but what is meant to be committed. */
function openUmask(): Promise<void> {
  return harmed(async (rig) => {
    const before = process.umask(0);
    try {
      assertWellTold(await rig.start().end());
    } finally {
      process.umask(before);
    }
    const directory = join(rig.root, '.claude', 'orchestrator');
    const meant =
      /^(config(\.schema)?\.json|worker-prompt\.md|ORCHESTRATION_GUIDE\.md|orchestrate|check-streams|watch-status)$/;
    for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
      const stat = lstatSync(join(directory, name));
      if (meant.test(name) || stat.isSymbolicLink()) continue;
      assert.equal(stat.mode & 0o077, 0, `${name} is ${(stat.mode & 0o777).toString(8)}`);
    }
  });
}

/** Where the user may not write: that is said, once, and nothing is half-done. */
function unwritable(place: (rig: ProjectRig) => string): () => Promise<void> {
  return () =>
    harmed(async (rig) => {
      const path = place(rig);
      const { mode } = statSync(path);
      chmodSync(path, 0o500);
      try {
        const started = await runLikeOthers(rig.cli, ['start']);
        assertWellTold(started);
        assert.equal(started.code, 3, `${started.stdout}${started.stderr}`);
        assert.deepEqual(rig.desk.starts(), []);
        assertWellTold(await runLikeOthers(rig.cli, ['status']));
      } finally {
        chmodSync(path, mode);
      }
    });
}

function single(name: string, harm: string, run: () => Promise<void>): Case {
  return { name, harm, run: (reach) => atEach(reach, [[harm, null]], run) };
}

export const environment: Sweep = {
  name: 'machine',
  summary:
    'a disk that is full for a while, no terminal, twenty columns, an open umask, a home that cannot be written',
  obstacle: faultObstacle,
  cases: () => [
    {
      name: 'start, any program',
      harm: 'the disk is full for a while',
      run: (reach) => {
        const calls = reach.quick ? [139] : Array.from({ length: 16 }, (_, at) => 1 + 23 * at);
        return atEach(
          reach,
          calls.map((at) => [`from write ${at} on`, at] as const),
          fullDisk,
        );
      },
    },
    single('every look', 'no terminal, NO_COLOR', withoutTerminal),
    single('every look', 'its output is read by nobody', cutOff),
    single('watch, status, plan', 'a terminal of 20 columns and 8 rows', narrow),
    single('start', 'umask 000', openUmask),
    single(
      'start and status',
      'HOME cannot be written',
      unwritable(({ cli }) => cli.home),
    ),
    single(
      'start and status',
      'our directory cannot be written',
      unwritable(({ root }) => join(root, '.claude', 'orchestrator')),
    ),
  ],
};
