/** Gates: run by the poller alone, in bounds, on the very commit, kept per commit, void when the work changed under them. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isAlive } from '../support/alive.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig, statesOf, streamOf } from '../support/worker-rig.ts';

const ONE_ATTEMPT = { restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [0.1] } };

function finishAll(rig: ProjectRig): void {
  rig.onWorker(async (worker) => {
    await worker.commit(`${worker.stream}-${worker.run}.txt`);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
}

const lines = (rig: ProjectRig, name: string): string[] => {
  const file = join(rig.cli.home, name);
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
};

test('gates run one after another, in the worktree, with the environment of the stream; one result per commit', async () => {
  const note = 'echo "$ORCHESTRATE_STREAM $(git rev-parse HEAD) $PWD" >> "$ORCHESTRATE_PROJECT/../gates"';
  // A directory can be made once only: two gates at the same time would fail.
  const alone = 'mkdir "$ORCHESTRATE_PROJECT/../alone" && sleep 0.2 && rmdir "$ORCHESTRATE_PROJECT/../alone"';
  await using rig = await createProjectRig({
    plan: { A: [], B: [], C: [] },
    config: {
      ...ONE_ATTEMPT,
      gates: [
        { name: 'first', command: note, cwd: 'deep/inside' },
        {
          name: 'second',
          command: `${alone}; test ! -e "$ORCHESTRATE_PROJECT/../fail" || { echo no; exit 3; }`,
        },
      ],
    },
  });
  rig.cli.write('deep/inside/file', 'x');
  rig.cli.git('add', 'deep');
  rig.cli.git('commit', '--quiet', '--message=Deep');
  finishAll(rig);
  rig.cli.write('../fail', '');
  const first = await rig.start().end();
  assert.equal(first.code, 1);
  const a = streamOf(await rig.look(), 'A');
  assert.match(a.reason ?? '', /gate "second" failed/);
  assert.match(first.stdout, /gate "second" failed \(exit 3\)/);
  const log = join(rig.root, '.claude/orchestrator/logs/gates/a-2.log');
  assert.equal(readFileSync(log, 'utf8'), 'no\n');
  assert.equal(statSync(log).mode & 0o077, 0);
  const ran = lines(rig, 'gates').sort();
  for (const [at, id] of ['A', 'B', 'C'].entries()) {
    const key = id.toLowerCase();
    const sha = rig.cli.git('rev-parse', `orchestrate/${key}`);
    assert.equal(ran[at], `${id} ${sha} ${join(rig.root, '.claude/worktrees', key, 'deep/inside')}`);
  }
  assert.throws(() => rig.cli.git('rev-parse', '--verify', '--quiet', 'refs/orchestrate/verified/a'));

  await rig.run(['verify', 'A'], 1);
  assert.equal(lines(rig, 'gates').length, 4, 'the user who asks for a check gets every gate');
});

test('a gate that passed is not run again on the same commit, not even by the next poller', async () => {
  await using rig = await createProjectRig({
    config: {
      gates: [
        { name: 'passes', command: 'echo passed >> "$ORCHESTRATE_PROJECT/../passed"' },
        {
          name: 'waits',
          command: 'cd "$ORCHESTRATE_PROJECT/.." && touch at-second && until test -e go; do sleep 0.05; done',
        },
      ],
    },
  });
  finishAll(rig);
  const poller = rig.start();
  await until('the second gate runs', () => existsSync(join(rig.cli.home, 'at-second')));
  await poller.kill();
  rig.cli.write('../go', '');
  assert.equal((await rig.start().end()).code, 0);
  assert.deepEqual(lines(rig, 'passed'), ['passed']);
});

test('what an agent writes into config.json while orchestrate runs is said, and run by nobody before a restart', async () => {
  const note = (name: string): string => `touch "$ORCHESTRATE_PROJECT/../${name}"`;
  await using rig = await createProjectRig({
    plan: { A: [], B: ['A'] },
    config: { gates: [{ name: 'mine', command: note('mine') }], worktree: { ahead: 0 } },
  });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  rig.configure({
    gates: [{ name: 'theirs', command: note('gate') }],
    worktree: { ahead: 0, setup: [note('setup')] },
    notify: { command: note('notice') },
  });
  assert.match((await rig.status()).warnings.join('\n'), /config\.json has changed; restart orchestrate/);
  await a.commit('a.txt');
  rig.setTasks('A', 'completed');
  a.exit(0);
  const b = await rig.nextWorker('B');
  const there = ['mine', 'gate', 'setup', 'notice'].filter((name) => existsSync(join(rig.cli.home, name)));
  assert.deepEqual(there, ['mine']);
  b.exit(1);
  await poller.kill();
});

test('a gate that takes too long is ended with all it started', async () => {
  await using rig = await createProjectRig({
    config: {
      ...ONE_ATTEMPT,
      gates: [
        {
          name: 'hangs',
          command:
            'echo begun; (sleep 1000 & echo $! >> "$ORCHESTRATE_PROJECT/../pids"; wait) & echo $! >> "$ORCHESTRATE_PROJECT/../pids"; wait',
          timeoutSeconds: 3,
        },
      ],
    },
  });
  finishAll(rig);
  const { code, stdout } = await rig.start().end();
  assert.equal(code, 1);
  assert.match(stdout, /gate "hangs" timed out after 3 s/);
  await until('its processes are gone', () => lines(rig, 'pids').every((pid) => !isAlive(Number(pid))));
  assert.equal(lines(rig, 'pids').length, 2);
});

test('what changes the work under a gate makes its result void, whoever it is, and the next check counts', async () => {
  const once = (what: string) =>
    `mkdir "$ORCHESTRATE_PROJECT/../once-$ORCHESTRATE_KEY" 2>/dev/null && { ${what}; }; true`;
  await using rig = await createProjectRig({
    plan: { Moved: [], Dirty: [] },
    config: {
      ...ONE_ATTEMPT,
      gates: [
        {
          name: 'meddles',
          command: `case $ORCHESTRATE_KEY in moved) ${once('git commit -q --allow-empty -m Meddle')};; dirty) ${once('echo more >> Dirty-1.txt')};; esac`,
        },
      ],
    },
  });
  finishAll(rig);
  const first = await rig.start().end();
  assert.equal(first.code, 1, first.stdout);
  const report = await rig.look();
  assert.deepEqual(statesOf(report), { Moved: 'failed', Dirty: 'failed' });
  // What passed on the changed work has not passed on the commit.
  assert.deepEqual(JSON.parse((await rig.run(['status', 'Dirty', '--json'])).stdout).gates, []);
  assert.match(streamOf(report, 'Moved').reason ?? '', /changed while its gates ran: the head moved/);
  assert.match(streamOf(report, 'Dirty').reason ?? '', /changed while its gates ran: Dirty-1\.txt/);
  for (const key of ['moved', 'dirty'])
    assert.throws(() => rig.cli.git('rev-parse', '--verify', '--quiet', `refs/orchestrate/verified/${key}`));
  await rig.run(['verify', 'Moved']);
  const moved = await rig.stream('Moved');
  assert.deepEqual([moved.state, moved.verifiedSha], ['done', rig.cli.git('rev-parse', 'orchestrate/moved')]);
});

test('a review judges the change against the tasks, is kept per commit, and passes only by a well-formed answer', async () => {
  const answers = [
    // What only looks like a verdict is none.
    'echo \'Looks good: {"verdict": "pass"}\'',
    'echo \'{"verdict":"pass","findings":[{"file":1}]}\'',
    'echo \'{"verdict":"pass","findings":[]}\'; exit 4',
    'echo \'{"verdict":"fail","findings":[{"file":"A-4.txt","line":2,"text":"says nothing\\u001b[31m"}]}\'',
    'echo \'{"verdict":"pass","findings":[]}\'',
  ];
  const told = '"$ORCHESTRATE_PROJECT/../told"';
  const cases = answers.map((answer, at) => `${at + 1}) ${answer};;`).join(' ');
  const command = `cat > ${told}; echo x >> ${told}-each; case $(wc -l < ${told}-each) in ${cases} esac`;
  await using rig = await createProjectRig({
    config: {
      restart: { maxAttempts: 5, windowMinutes: 60, delaysSeconds: [0.1] },
      gates: [{ name: 'review', agent: true, command }],
    },
  });
  finishAll(rig);
  const ended = await rig.start().end();
  assert.equal(ended.code, 0, ended.stdout);
  assert.deepEqual(
    rig.desk.starts().map(({ run }) => run),
    [1, 2, 3, 4, 5],
    'each of the first four was a failed gate, for the stream itself to deal with',
  );
  const failures = [...ended.stdout.matchAll(/gate "review" (.*), log: (\S+)/g)];
  const causes = failures.map(([, cause]) => cause);
  for (const [line, , log] of failures) assert.match(log ?? '', /^\.claude\/orchestrator\/logs\//, line);
  for (const why of [
    'not an object of JSON',
    'not of file, line and text',
    'it ended with exit 4',
    'failed (1 finding)',
  ])
    assert.ok(
      causes.some((cause) => cause?.includes(why)),
      `${why}: ${causes.join('; ')}`,
    );
  const prompt = readFileSync(join(rig.cli.home, 'told'), 'utf8');
  assert.match(prompt, /^> Task of A$/m);
  assert.match(prompt, /^> \+by A, run 5$/m);
  const passed = lines(rig, 'told-each').length;
  assert.equal((await rig.start().end()).code, 0);
  assert.equal(lines(rig, 'told-each').length, passed, 'not asked again about the same commit');
});

test('a review by Claude Code is counted to the stream, and its findings are in the log', async () => {
  await using rig = await createProjectRig({
    tools: [],
    config: { ...ONE_ATTEMPT, gates: [{ name: 'review', agent: true }] },
  });
  const bin = join(rig.cli.home, 'bin');
  const result = {
    type: 'result',
    is_error: false,
    total_cost_usd: 0.25,
    usage: { input_tokens: 30, output_tokens: 12 },
    structured_output: { verdict: 'fail', findings: [{ file: 'A-1.txt', line: 1, text: 'says nothing' }] },
  };
  rig.cli.write('../bin/claude', `#!/bin/sh\ncat > /dev/null\necho '${JSON.stringify(result)}'\n`);
  chmodSync(join(bin, 'claude'), 0o755);
  finishAll(rig);
  const env = { ...rig.cli.env, PATH: `${bin}:${rig.cli.env['PATH']}` };
  assert.equal((await rig.start([], { env }).end()).code, 1);
  const a = streamOf(await rig.look(), 'A');
  assert.deepEqual([a.tokens, a.costUsd], [42, 0.25]);
  assert.match(a.reason ?? '', /gate "review"/);
  const log = join(rig.root, '.claude/orchestrator/logs/gates/a-1.log');
  assert.equal(readFileSync(log, 'utf8'), 'verdict: fail, 1 finding\nA-1.txt:1: says nothing\n');
  assert.equal(statSync(log).mode & 0o077, 0);
});
