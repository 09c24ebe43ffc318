/** After the plan: what has landed is cleaned away, what holds anything is kept and named, and what was saved comes back. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Ports } from '../../src/app/ports.ts';
import { openProject } from '../../src/app/project.ts';
import { openPorts } from '../../src/app/wiring.ts';
import { clean } from '../../src/operator/clean.ts';
import { findStream } from '../../src/operator/find-stream.ts';
import { createLandingWorld } from '../support/landing-world.ts';
import { createProjectRig } from '../support/worker-rig.ts';

type Cleaned = { removed: { stream: string }[]; kept: { stream: string; reasons: { kind: string }[] }[] };

test('a finished plan is cleaned, brought back, taken out of the project, and nothing is lost', async () => {
  await using rig = await createProjectRig({
    plan: { 'Stream-A': [], 'Stream-B': ['Stream-A'], 'Stream-C': [] },
  });
  rig.cli.write('.gitignore', '*.secret\nnode_modules/\n');
  rig.cli.git('add', '.gitignore');
  rig.cli.git('commit', '--quiet', '-m', 'Ignore');
  const poller = rig.start();
  for (const stream of ['Stream-A', 'Stream-C', 'Stream-B']) {
    const worker = await rig.nextWorker(stream);
    await worker.commit(`${stream}.txt`);
    await worker.completeTasks();
    if (stream === 'Stream-C') {
      const busy = await rig.run(['clean', 'Stream-C'], 5);
      assert.match(busy.stderr, /Stream-C was kept: its agent is at work \(run 1\)/);
    }
    worker.exit(0);
    await rig.untilState(stream, 'done');
  }
  await poller.end();
  rig.cli.git('merge', '--quiet', 'orchestrate/stream-b');
  const worktree = (key: string) => join(rig.root, '.claude', 'worktrees', key);
  const refs = () => rig.cli.git('for-each-ref', '--format=%(refname)', 'refs/heads', 'refs/orchestrate');

  // Dry: nothing changes, and it says what would.
  const before = refs();
  writeFileSync(join(worktree('stream-a'), 'a.secret'), 'precious');
  const dry: Cleaned = JSON.parse((await rig.run(['clean', '--dry-run', '--json'])).stdout);
  assert.deepEqual(
    dry.removed.map(({ stream }) => stream),
    ['Stream-B'],
  );
  assert.deepEqual(
    dry.kept.map(({ stream, reasons }) => [stream, reasons.map(({ kind }) => kind)]),
    [
      ['Stream-A', ['ignored']],
      ['Stream-C', ['not-landed']],
    ],
  );
  assert.equal(refs(), before);
  const refused = await rig.run(['clean', 'A'], 5);
  assert.match(
    refused.stderr,
    /Stream-A was kept: ignored files that no set-up made: a\.secret\n {2}fix: git -C \S+ status --ignored/,
  );
  const inside = spawn('sleep', ['600'], { cwd: worktree('stream-b') });
  try {
    assert.match((await rig.run(['clean', 'B'], 5)).stderr, new RegExp(`process ${inside.pid} is at work`));
  } finally {
    inside.kill('SIGKILL');
    await new Promise((resolve) => inside.once('close', resolve));
  }

  // For good.
  const cleaned = await rig.run(['clean']);
  assert.match(
    cleaned.stdout,
    /^Removed Stream-B: worktree \.claude\/worktrees\/stream-b, branch orchestrate\/stream-b$/m,
  );
  assert.match(cleaned.stdout, /^Kept Stream-A: ignored files/m);
  assert.match(cleaned.stdout, /^Kept Stream-C: its work has not landed\n {2}orchestrate merge Stream-C$/m);
  assert.equal(existsSync(worktree('stream-b')), false);
  rmSync(join(worktree('stream-a'), 'a.secret'));
  await rig.run(['clean', 'Stream-A']);
  assert.match((await rig.run(['clean', 'Stream-A'])).stdout, /^Nothing is left of Stream-A$/m);
  const { streams } = await rig.status();
  assert.deepEqual(
    streams.map(({ state, landed, commits }) => ({ state, landed, commits })),
    [true, true, false].map((landed) => ({ state: 'done', landed, commits: 1 })),
  );
  await rig.start(['--once']).end();
  assert.equal(existsSync(worktree('stream-a')), false);

  assert.match((await rig.run(['status'])).stdout, /All 3 streams done in/);

  // The report, with what a worker wrote made harmless.
  const report = (await rig.run(['report'])).stdout;
  assert.match(report, /^\| Stream-A Work of Stream-A \| done, landed \| .*\| 1 \| \+1 −0 \|/m);
  assert.match(report, /^\*\*Commits\*\*$/m);
  assert.equal(JSON.parse((await rig.run(['report', '--json'])).stdout).streams[0].commitList.length, 1);

  // Back again, and out of the project.
  assert.match((await rig.run(['recover'])).stdout, /^Stream-B +\S.* stream-b\/clean +removed by clean$/m);
  const back = await rig.run(['recover', 'Stream-B']);
  assert.match(back.stdout, /branch orchestrate\/stream-b, worktree \S+\/stream-b$/m);
  assert.match((await rig.run(['recover', 'Stream-B'])).stdout, /branch orchestrate\/stream-b-recovered,/);
  assert.equal(existsSync(join(worktree('stream-b'), 'Stream-B.txt')), true);
  const removed = await rig.run(['init', '--remove']);
  assert.match(removed.stdout, /^left: worktrees: .*stream-b.*\n {2}orchestrate clean/m);
  assert.match(
    removed.stdout,
    /^left: branches: orchestrate\/stream-b, orchestrate\/stream-c\n.*: git branch -m orchestrate\/stream-b orchestrate-stream-b-mine$/m,
  );
  assert.match(removed.stdout, /^left: saved work: .*\n {2}orchestrate recover/m);
  assert.match(removed.stdout, /^left: \.claude\/orchestrator\/state\.db/m);
  rig.cli.git('worktree', 'unlock', worktree('stream-b-recovered'));
  rig.cli.git('worktree', 'remove', worktree('stream-b-recovered'));
  rig.cli.git('merge', '--quiet', '-m', 'Land C', 'orchestrate/stream-c');
  const last = await rig.run(['clean']);
  assert.match(last.stdout, /^Removed Stream-B: [\s\S]*^Removed Stream-C: /m);
  assert.match(
    (await rig.run(['status'])).stdout,
    /All 3 streams done and landed in \S+\. +Report: orchestrate report$/m,
  );
  assert.match(last.stdout, /^left: saved work/m);
  assert.doesNotMatch(refs(), /verified|stream-c$/m);
  // By a short name, too, all that was saved of the stream goes.
  const saves = () => refs().match(/^refs\/orchestrate\/saved\/\S+$/gm) ?? [];
  const key = saves()[0]?.split('/')[3] ?? '';
  rig.cli.git('update-ref', `refs/orchestrate/saved/${key}/again`, saves()[0] ?? '');
  await rig.run(['recover', key.slice(-1), '--expire', '0']);
  assert.deepEqual(
    saves().filter((ref) => ref.includes(`/${key}/`)),
    [],
  );
  await rig.run(['recover', '--expire', '1']);
  assert.match(refs(), /saved/);
  await rig.run(['recover', '--expire', '0']);
  assert.doesNotMatch(refs(), /refs\/orchestrate/);
  assert.equal(existsSync(join(rig.root, '.claude', 'orchestrator', 'state.db')), false);
});

test('a stream that was cleaned and is wanted again goes on from what has landed', async () => {
  await using rig = await createProjectRig({ plan: { A: [] } });
  const first = rig.start();
  const worker = await rig.nextWorker('A');
  await worker.commit('a.txt');
  await worker.completeTasks();
  worker.exit(0);
  await first.end();
  rig.cli.git('merge', '--squash', '--quiet', 'orchestrate/a');
  rig.cli.git('commit', '--quiet', '-m', 'Land A');
  // Wanted again while it is being cleaned: what was read before no longer holds.
  const project = openProject({ cwd: rig.root, env: rig.cli.env });
  const ports = await openPorts(project, { create: false });
  const { git, state } = ports;
  const run = {
    key: 'a',
    number: 2,
    agentKind: 'custom',
    startedAtMs: 1,
    bootId: '',
    sessionId: null,
  } as const;
  const remove: Ports['git']['remove'] = (...asked) => {
    assert.ok(state.openRun({ ...run, baseSha: rig.cli.git('rev-parse', 'main'), tokenHash: '' }));
    return git.remove(...asked);
  };
  const { report: early } = await clean(
    { ...ports, git: { ...git, remove } },
    [findStream(ports, 'A')],
    false,
  );
  assert.deepEqual(
    early.kept.flatMap(({ reasons }) => reasons.map(({ what }) => what)),
    ['its agent is at work (run 2)'],
  );
  assert.ok(state.endRun('a', 2, { endedAtMs: 2, outcome: 'stopped' }));
  const { verified } = findStream(ports, 'A');
  state.patchStream('a', { verified: verified && { ...verified, run: 2 } });
  // While a poller is at work in the worktree it stays, and while it is being removed no poller works there.
  const self = ports.processes.identify(process.pid);
  assert.ok(self);
  const poller = {
    ...{ ...self, sinceMs: 1, configHash: '', sinceEvent: 0 },
    ...{ only: null, maxWorkers: null },
  };
  const polled: Ports = { ...ports, state: { ...state, poller: () => poller } };
  for (const kind of ['sync', 'verify', 'prepare'] as const) {
    state.patchStream('a', { step: { kind, sinceMs: 1 } });
    const { report: met } = await clean(polled, [findStream(ports, 'A')], false);
    assert.match(met.kept[0]?.reasons[0]?.what ?? '', /^its worktree is being .* at the moment$/, kind);
  }
  state.patchStream('a', { step: null, removing: self });
  const busy = await rig.run(['verify', 'A'], 1);
  assert.match(
    busy.stderr,
    /could not be checked: orchestrate clean \(pid \d+\) is removing its former worktree/,
  );
  state.patchStream('a', { removing: null, trouble: null });
  // Wanted again once nothing was found that keeps it: no run is opened where files are being deleted.
  const third = { ...run, number: 3, baseSha: rig.cli.git('rev-parse', 'main'), tokenHash: 'x' };
  const removeLate: Ports['git']['remove'] = (place, shared, request) => {
    const others = () => {
      const living = request.others();
      assert.equal(state.openRun(third), false);
      return living;
    };
    return git.remove(place, shared, { ...request, others });
  };
  const late = { ...ports, git: { ...git, remove: removeLate } };
  const { report: last } = await clean(late, [findStream(ports, 'A')], false);
  assert.deepEqual(
    last.removed.map(({ stream }) => stream),
    ['A'],
  );
  // As one that was killed leaves it.
  state.patchStream('a', { removing: { pid: 2 ** 30, start: 'long ago' } });
  project.close();
  const [task] = rig.store.listTasks();
  await rig.run(['task', 'update', task?.id ?? '', '--status', 'pending']);
  const second = rig.start();
  const again = await rig.nextWorker('A');
  assert.equal(rig.cli.git('merge-base', 'orchestrate/a', 'main'), rig.cli.git('rev-parse', 'main'));
  await again.commit('more.txt');
  await again.completeTasks();
  again.exit(0);
  await second.end();
  assert.equal((await rig.status()).streams[0]?.state, 'done');
});

test('a stream that git cannot look at is kept and named, and takes nothing from the others', async () => {
  await using world = await createLandingWorld({ A: [], B: [] });
  const { rig } = world;
  for (const id of ['A', 'B'])
    await world.finish(id, (directory) => writeFileSync(join(directory, `${id}.txt`), `${id}\n`));
  assert.equal((await world.merge()).code, 0);
  writeFileSync(join(rig.root, '.git/worktrees/a/index'), 'no index\n');
  const dry = await rig.run(['clean', '--dry-run'], 3);
  assert.match(dry.stdout, /^Would remove B: .*^Would keep A: /ms);
  const { stdout } = await rig.run(['clean', '--json'], 3);
  const report = JSON.parse(stdout) as Cleaned;
  assert.deepEqual(
    report.removed.map(({ stream }) => stream),
    ['B'],
  );
  assert.deepEqual(
    report.kept.map(({ stream, reasons }) => [stream, reasons.map(({ kind }) => kind)]),
    [['A', ['unreadable']]],
  );
  assert.ok(existsSync(join(world.worktreeOf('A'), 'A.txt')));
  const { stderr } = await rig.run(['clean'], 3);
  assert.match(stderr, /^orchestrate: error: .*index.*\n {2}fix: .+/m);
});
