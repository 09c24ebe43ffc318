/** Many streams at once, and worktrees that can be worked in: modes, setup commands, copied and linked files, ports. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isAlive } from '../support/alive.ts';
import { until } from '../support/wait.ts';
import type { Worker } from '../support/worker-desk.ts';
import { createProjectRig, type ProjectRig, statesOf, streamOf, textAt } from '../support/worker-rig.ts';

const ONE_ATTEMPT = { restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [0.1] } };

function finishAll(
  rig: ProjectRig,
  before: (worker: Worker) => Promise<unknown> = async () => undefined,
): void {
  rig.onWorker(async (worker) => {
    await before(worker);
    await worker.commit(`${worker.stream}.txt`);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
}

/** Files and directories below `folder` that others may look into, but for the executables meant for everyone. */
function openToOthers(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const stat = statSync(join(folder, name));
    return !stat.isSocket() && (stat.mode & 0o077) !== 0;
  });
}

test('thirty streams that are ready at once all run at once, each in its own worktree, without one failure', async () => {
  const ids = Array.from({ length: 30 }, (_, number) => `S${number}`);
  await using rig = await createProjectRig({
    plan: Object.fromEntries(ids.map((id) => [id, []])),
    config: { ...ONE_ATTEMPT, maxWorkers: 30, worktree: { setup: ['test ! -e set-up && touch set-up'] } },
  });
  rig.cli.write('.gitignore', 'set-up\n');
  rig.cli.git('add', '.gitignore');
  rig.cli.git('commit', '--quiet', '--message=Ignore');
  const poller = rig.start();
  const workers = await Promise.all(ids.map((id) => rig.nextWorker(id)));
  const report = await rig.look();
  assert.deepEqual(new Set(report.streams.map(({ state }) => state)), new Set(['running']));
  for (const name of ['cwd', 'pid'] as const)
    assert.equal(new Set(workers.map((each) => each[name])).size, 30);
  assert.equal(new Set(workers.map(({ env }) => env['PORT'])).size, 30);
  await Promise.all(workers.map((worker) => worker.commit(`${worker.stream}.txt`)));
  for (const worker of workers) {
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  }
  const ended = await poller.end();
  assert.equal(ended.code, 0, ended.stdout);
  const after = await rig.look();
  assert.deepEqual(new Set(after.streams.map(({ state, run }) => `${state} ${run}`)), new Set(['done 1']));
});

test('agents are started one after the other, so far apart as is configured, and a signal does not wait for the next', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [] }, config: { staggerMs: 600_000 } });
  const poller = rig.start();
  const waits = (key: string) =>
    existsSync(join(rig.root, '.claude/orchestrator/runs', `${key}-1`, 'launch'));
  await until(
    'one works, and the other has all but its turn',
    () => rig.desk.seen[0] && (waits('a') || waits('b')),
  );
  assert.equal((await poller.kill('SIGTERM')).code, 143);
  const roles = rig.tmux('list-panes', '-a', '-F', '#{@orchestrate_role}').split('\n');
  assert.deepEqual([roles.filter((role) => role === 'worker').length, rig.desk.starts().length], [1, 1]);
  rig.configure({ staggerMs: 0 });
  const next = rig.start();
  await until('the other works', () => new Set(rig.desk.seen.map(({ stream }) => stream)).size === 2);
  await next.kill();
});

test('whatever the umask, what we keep is private, and the worker has the umask of who started', async () => {
  for (const [umask, mode] of [
    [0o077, '600'],
    [0o022, '644'],
    [0o000, '666'],
  ] as const) {
    await using rig = await createProjectRig({
      config: { gates: [{ name: 'ok', command: 'true' }], worktree: { setup: ['true'] } },
    });
    const before = process.umask(umask);
    const poller = rig.start();
    process.umask(before);
    const worker = await rig.nextWorker('A');
    assert.equal(await worker.sh('touch new; stat -c %a new; rm new'), mode);
    await worker.print('hello\n');
    await worker.commit('a.txt');
    rig.setTasks('A', 'completed');
    worker.exit(0);
    assert.equal((await poller.end()).code, 0);
    const own = join(rig.root, '.claude', 'orchestrator');
    for (const name of ['state.db', 'lock.db', 'logs', 'runs', 'pids'])
      assert.equal(statSync(join(own, name)).mode & 0o077, 0, name);
    for (const name of ['logs', 'runs', 'pids']) assert.deepEqual(openToOthers(join(own, name)), []);
    assert.equal(statSync(join(rig.root, '.claude', 'worktrees')).mode & 0o077, 0);
  }
});

test('setup commands run once in each fresh worktree, with log and time limit; a failing one is named and tried again', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], Slow: [], Bad: [] },
    config: {
      restart: { maxAttempts: 2, windowMinutes: 60, delaysSeconds: [0.1] },
      worktree: {
        setup: [
          'echo "setting up $ORCHESTRATE_STREAM at port $PORT in $PWD"; echo run >> "$ORCHESTRATE_PROJECT/../setups-$ORCHESTRATE_KEY"',
          'test "$ORCHESTRATE_KEY" != slow || { sleep 1000 & echo $! > "$ORCHESTRATE_PROJECT/../slow.pid"; wait; }',
          'test "$ORCHESTRATE_KEY" != bad || test -e "$ORCHESTRATE_PROJECT/../mended" || { echo broken; exit 7; }',
          'echo made > made.secret',
        ],
        // Long enough for those that end, on a machine that does much else.
        setupTimeoutSeconds: 4,
      },
    },
  });
  rig.onWorker(async (worker) => {
    if (worker.stream === 'A' && worker.run === 1) return worker.exit(1);
    await worker.sh('test ! -e mine.txt || { git add mine.txt; git commit -q -m Mine; }');
    await worker.commit(`${worker.stream}.txt`);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  appendFileSync(join(rig.root, '.git', 'info', 'exclude'), '*.secret\n');
  const first = await rig.start().end();
  assert.equal(first.code, 1);
  const report = await rig.look();
  assert.deepEqual(statesOf(report), { A: 'done', Slow: 'failed', Bad: 'failed' });
  assert.match(streamOf(report, 'Slow').reason ?? '', /timed out after 4 s, log: /);
  const log = /failed \(exit 7\), log: (\S+)/.exec(streamOf(report, 'Bad').reason ?? '')?.[1] ?? '';
  assert.match(readFileSync(log, 'utf8'), /setting up Bad at port \d+ in .*worktrees\/bad\nbroken/);
  const child = readFileSync(join(rig.cli.home, 'slow.pid'), 'utf8').trim();
  assert.ok(!isAlive(Number(child)));
  rig.cli.write('../mended', '');
  // What the user writes there in between is theirs: not made by set-up, nor dirty from birth.
  for (const name of ['mine.txt', 'mine.secret']) rig.cli.write(`.claude/worktrees/bad/${name}`, 'mine\n');
  await rig.run(['retry', 'Bad']);
  await rig.start(['Bad']).end();
  assert.equal((await rig.stream('Bad')).state, 'done');
  const namesIn = (file: string) => JSON.parse(rig.cli.read(file));
  const { files } = namesIn('.claude/orchestrator/runs/setup/bad.done');
  assert.deepEqual(Object.keys(files), ['made.secret']);
  assert.deepEqual(namesIn('.git/worktrees/bad/orchestrate-born-dirty.json'), {});
  assert.equal(rig.cli.read('../setups-a'), 'run\n', 'not again in a worktree that is set up');
});

test('ignored files, links and ports: a worktree that can be worked in, and nothing of it shows up or leads astray', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: [] },
    config: { worktree: { symlink: ['node_modules', 'gone'], portBase: 5_200, setup: [] } },
  });
  rig.cli.write('.gitignore', '.env*\nnode_modules/\n');
  rig.cli.write('.worktreeinclude', '.env*\n!.env.secret\n');
  rig.cli.git('add', '.gitignore', '.worktreeinclude');
  rig.cli.git('commit', '--quiet', '--message=Ignore');
  for (const name of ['.env', '.env.secret', '.env with "quotes" $(touch pwn)'])
    rig.cli.write(name, `${name}\n`);
  rig.cli.write('sub/.env.local', 'deep\n');
  rig.cli.write('node_modules/pkg/index.js', 'x\n');
  writeFileSync(join(rig.cli.home, 'outside'), 'secret\n');
  symlinkSync(join(rig.cli.home, 'outside'), join(rig.root, '.env.link'));
  mkdirSync(join(rig.root, '.env.dir'));
  const ports: string[] = [];
  finishAll(rig, async (worker) => {
    ports.push(worker.env['PORT'] ?? '');
    assert.equal(await worker.sh('git status --porcelain'), '');
    assert.equal(await worker.sh('cat .env sub/.env.local node_modules/pkg/index.js'), '.env\ndeep\nx');
    assert.equal(await worker.sh('test -L node_modules && ls -A | grep -c "^.env"'), '3');
    assert.ok(!(await worker.sh('ls -A')).includes('.env.secret'));
    await worker.sh('echo changed > .env');
  });
  const ended = await rig.start().end();
  assert.equal(ended.code, 0, ended.stdout + String(rig.desk.troubles));
  assert.match(ended.stdout, /warning.*gone/, 'what cannot be linked is said');
  assert.deepEqual(ports.sort(), ['5200', '5210']);
  assert.equal(rig.cli.read('.env'), '.env\n', "the project's own file is not the worktree's");
  assert.equal(rig.cli.git('status', '--porcelain', '--', '.env', 'node_modules'), '');
});

test('a launch that fails beside its set-up is tried again only when that has ended: no two are ever in one worktree', async () => {
  const worktree = { ahead: 0, setup: ['echo begin >> ../setups; sleep 1; echo end >> ../setups'] };
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] }, config: { worktree } });
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  rmSync(join(rig.root, '.claude', 'orchestrator', 'worker-prompt.md'));
  await worker.commit('a.txt');
  await worker.completeTasks();
  worker.exit(0);
  await rig.untilState('B', 'failed');
  assert.equal((await poller.end()).code, 1, poller.output());
  assert.match(textAt(rig, '.claude/worktrees/setups'), /^(begin\nend\n)+$/);
});
