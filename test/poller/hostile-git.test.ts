/** Git settings that would run programs, variables that would mislead, and branches or paths that are somebody else's. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { openTerminal } from '../support/tmux-client.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig, statesOf, streamOf } from '../support/worker-rig.ts';

/** Makes a script that notes whose child ran it, by the mark every process of ours carries. */
function witness(rig: ProjectRig, name: string, answer: string): string {
  const file = join(rig.cli.home, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(
    file,
    `#!/bin/sh\necho "\${ORCHESTRATE_MARK:-nobody} ${name}" >> '${rig.cli.home}/ran'\n${answer}\n`,
  );
  chmodSync(file, 0o755);
  return file;
}

test('neither hooks nor fsmonitor, signing, pagers, filters set later or GIT_ variables touch our own commands', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: ['A'], C: ['A'], D: ['B', 'C'] },
    config: { leftovers: 'commit' },
  });
  const hooks = join(rig.cli.home, 'hooks');
  for (const name of [
    'post-checkout',
    'reference-transaction',
    'pre-commit',
    'commit-msg',
    'post-commit',
    'post-merge',
    'post-index-change',
  ])
    witness(rig, `hooks/${name}`, 'exit 0');
  mkdirSync(join(rig.cli.home, 'template', 'hooks'), { recursive: true });
  const settings: Record<string, string> = {
    'core.hooksPath': hooks,
    'core.fsmonitor': witness(rig, 'fsmonitor', 'exit 1'),
    'core.pager': witness(rig, 'pager', 'cat'),
    'core.editor': witness(rig, 'editor', 'exit 1'),
    'core.askPass': witness(rig, 'askpass', 'exit 1'),
    'core.sshCommand': witness(rig, 'ssh', 'exit 1'),
    'gpg.program': witness(rig, 'gpg', 'exit 1'),
    'diff.external': witness(rig, 'diff', 'exit 1'),
    'init.templateDir': join(rig.cli.home, 'template'),
    'tag.gpgSign': 'true',
    'log.showSignature': 'true',
    'alias.status': '!false',
    'alias.worktree': '!false',
    'status.showUntrackedFiles': 'no',
    'status.relativePaths': 'true',
    'color.ui': 'always',
    'column.ui': 'always',
    'core.quotePath': 'true',
    'core.abbrev': '4',
    'branch.autoSetupMerge': 'always',
    'branch.autoSetupRebase': 'always',
    'worktree.guessRemote': 'true',
    'merge.ff': 'only',
    'merge.conflictStyle': 'diff3',
    'commit.template': '/nonexistent',
    'i18n.logOutputEncoding': 'UTF-16',
    'safe.bareRepository': 'explicit',
  };
  for (const [name, value] of Object.entries(settings)) rig.cli.git('config', name, value);
  rig.onWorker(async (worker) => {
    await worker.commit(`${worker.stream}.txt`);
    await worker.sh('echo left >> "$1"; git config core.fsmonitor', `${worker.stream}.txt`);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  const misleading = {
    GIT_DIR: '/nonexistent',
    GIT_WORK_TREE: '/',
    GIT_INDEX_FILE: '/nonexistent/index',
    GIT_OBJECT_DIRECTORY: '/nonexistent',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'core.bare',
    GIT_CONFIG_VALUE_0: 'true',
    GIT_EXEC_PATH: '/nonexistent',
    GIT_EXTERNAL_DIFF: witness(rig, 'external', 'exit 1'),
    GIT_TRACE: join(rig.cli.home, 'trace'),
    GIT_PAGER: witness(rig, 'git-pager', 'cat'),
  };
  const ended = await rig.start([], { env: misleading }).end();
  assert.equal(ended.code, 0, ended.stdout + ended.stderr + String(rig.desk.troubles));
  assert.equal(rig.cli.git('show', '--no-ext-diff', 'orchestrate/d:D.txt').split('\n').at(-1), 'left');
  const ran = existsSync(join(rig.cli.home, 'ran')) ? readFileSync(join(rig.cli.home, 'ran'), 'utf8') : '';
  assert.deepEqual(
    ran.split('\n').filter((line) => line.includes(':child:')),
    [],
  );
  assert.match(ran, /:run:a:1 hooks\/pre-commit/, "a worker's own commits run the hooks of the project");
  if (existsSync(join(rig.cli.home, 'trace')))
    console.log(readFileSync(join(rig.cli.home, 'trace'), 'utf8').slice(0, 3000));
});

test('a filter that a worker brings in is refused and named, and never run by us', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  await a.sh(
    `git config filter.bad.smudge 'touch "$HOME/pwn"; cat'; git config filter.bad.clean 'touch "$HOME/pwn"; cat'; echo '* filter=bad' > .gitattributes; git -c filter.bad.clean= add . && git -c filter.bad.clean= commit -qm Filter`,
  );
  const gpg = witness(rig, 'gpg', `touch '${rig.cli.home}/pwn'`);
  await a.sh(`git config gpg.program '${gpg}'; git config commit.gpgSign true`);
  rig.setTasks('A', 'completed');
  a.exit(0);
  const ended = await poller.end();
  assert.equal(ended.code, 1);
  const report = await rig.look();
  assert.deepEqual(statesOf(report), { A: 'failed', B: 'blocked' });
  const { reason, remedy } = streamOf(report, 'A');
  assert.match(
    reason ?? '',
    /settings that run programs were changed.*filter\.bad\.clean, filter\.bad\.smudge/,
  );
  assert.match(remedy ?? '', /--accept-git-config/);
  const tries = report.events.filter(({ kind }) => kind === 'verify-error').length;
  assert.equal(tries, 3, 'a check that cannot be made is not tried without end');
  assert.ok(!existsSync(join(rig.cli.home, 'pwn')));
  await rig.run(['retry', 'A']);
  assert.equal((await rig.start().end()).code, 1);
  assert.ok(!existsSync(join(rig.cli.home, 'pwn')), 'nor at a start');
  const log = rig.cli.read('.claude/orchestrator/logs/orchestrator.log');
  assert.equal(log.split('verify-error').length - 1, 6, 'asked for again, it is tried as often again');
  for (const section of ['filter.bad', 'gpg', 'commit']) rig.cli.git('config', '--remove-section', section);
  await rig.run(['retry', 'A']);
  rig.onWorker(async (worker) => {
    await worker.commit('more.txt');
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  assert.equal((await rig.start().end()).code, 0);
  assert.deepEqual(
    rig.desk.starts().map(({ stream }) => stream),
    ['A', 'B'],
    'A was only checked again',
  );
  // Nor by what checks files out, or looks at them, for the user.
  const bad = (): void => {
    rig.cli.git('config', 'gpg.program', gpg);
    rig.cli.git('config', 'commit.gpgSign', 'true');
    for (const each of ['smudge', 'clean'])
      rig.cli.git('config', `filter.bad.${each}`, 'touch "$HOME/pwn"; cat');
  };
  await rig.run(['merge']);
  rig.configure({ gates: [{ name: 'all', command: 'true' }] });
  bad();
  assert.match(
    (await rig.cli.run(['doctor', '--run-gates'])).stdout,
    /git settings: git settings that run programs were changed[\s\S]*gates on the base: git settings that run/,
  );
  assert.match((await rig.run(['clean', 'A'], 5)).stderr, /git settings that run programs were changed/);
  for (const section of ['filter.bad', 'gpg', 'commit']) rig.cli.git('config', '--remove-section', section);
  await rig.run(['clean', 'A']);
  bad();
  rig.cli.git('config', 'core.pager', 'touch "$HOME/pwn"; cat');
  using terminal = openTerminal(
    ['/bin/sh', '-c', `'${process.execPath}' '${CLI_ENTRY}' review B; read -r stay`],
    { columns: 200, rows: 20 },
    rig.cli.env,
    rig.root,
  );
  await terminal.sees(/git settings that run programs were changed[\s\S]*core\.pager/);
  assert.match((await rig.run(['recover', 'A'], 5)).stderr, /git settings that run programs were changed/);
  assert.ok(!existsSync(join(rig.cli.home, 'pwn')));
});

test('what set-up changes in git settings is accepted by its name, what anybody else changes only when the user says so', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: ['A'], C: [], D: ['A'] },
    config: {
      worktree: {
        setup: [
          // As husky, lefthook and git-lfs do, and as a program does that writes the file itself; C's agent lives by B's set-up.
          'test "$ORCHESTRATE_KEY" != a || { git config core.hooksPath .husky/_; printf "[alias]\\n\\tx = status\\n" >> "$ORCHESTRATE_PROJECT/.git/config"; }',
          'test "$ORCHESTRATE_KEY" != b || git config filter.lfs.clean cat',
        ],
      },
    },
  });
  const poller = rig.start();
  const a = await rig.nextWorker('A');
  const c = await rig.nextWorker('C');
  await a.commit('A.txt');
  await a.completeTasks();
  a.exit(0);
  const b = await rig.nextWorker('B');
  const d = await rig.nextWorker('D');
  const news = /changed by set-up and accepted: (.*)/g;
  const told = (): string[] => {
    const log = rig.cli.read('.claude/orchestrator/logs/orchestrator.log');
    return [...new Set([...log.matchAll(news)].flatMap(([, names = '']) => names.split(', ')))].sort();
  };
  // What the set-up of the last one changed is told after its agent began.
  await until('each name is told', () => told().length === 3);
  assert.deepEqual(told(), ['alias.x', 'core.hookspath', 'filter.lfs.clean']);
  const kept = readdirSync(join(rig.root, '.claude/orchestrator/runs/setup')).filter(
    (name) => !/\.done$/.test(name),
  );
  assert.deepEqual(kept, [], 'what git noted of them is not kept');
  rig.cli.git('config', 'merge.mine.driver', 'true');
  await b.commit('B.txt');
  await b.completeTasks();
  b.exit(0);
  const { reason, remedy } = await rig.untilState('B', 'failed');
  assert.match(reason ?? '', /changed since the first \w+ started: merge\.mine\.driver/);
  assert.equal(remedy, 'orchestrate start --accept-git-config');
  const said = await rig.run(['start', '--accept-git-config']);
  assert.match(said.stdout, /accepted/);
  await rig.untilState('B', 'done');
  for (const worker of [c, d]) {
    await worker.commit(`${worker.stream}.txt`);
    await worker.completeTasks();
    worker.exit(0);
  }
  assert.equal((await poller.end()).code, 0);
});

test('branches and directories that are not ours are refused, named and left; the others go on', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [], C: [], D: ['A'] } });
  rig.cli.git('branch', 'orchestrate/a');
  rig.cli.write('.claude/worktrees/b/precious.txt', 'mine');
  rig.onWorker(async (worker) => {
    await worker.commit('work.txt');
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  const ended = await rig.start().end();
  assert.equal(ended.code, 1, ended.stdout);
  const report = await rig.look();
  assert.deepEqual(statesOf(report), { A: 'failed', B: 'failed', C: 'done', D: 'blocked' });
  assert.match(
    streamOf(report, 'A').reason ?? '',
    /^could not start: the branch "?orchestrate\/a"? exists already/,
  );
  assert.equal(
    report.events.filter(({ kind }) => kind === 'launch-error').length,
    2,
    'time does not mend it',
  );
  assert.match(streamOf(report, 'B').reason ?? '', /worktrees\/b.*left as it is/s);
  assert.equal(rig.cli.read('.claude/worktrees/b/precious.txt'), 'mine');
  assert.equal(rig.cli.git('rev-parse', 'orchestrate/a'), rig.cli.git('rev-parse', 'main'));
  assert.deepEqual(
    rig.desk.starts().map(({ stream }) => stream),
    ['C'],
  );
  rig.cli.git('branch', '-m', 'orchestrate/a', 'mine');
  rig.cli.git('worktree', 'add', '--quiet', '-b', 'mine-too', join(rig.cli.home, 'elsewhere'));
  await rig.run(['retry', 'A']);
  assert.equal((await rig.start(['A', 'D']).end()).code, 0);
  assert.deepEqual(
    (await rig.look()).streams.map(({ state }) => state),
    ['done', 'failed', 'done', 'done'],
  );
});

test('a name or a place that is taken is mended by another one in the configuration, for what was never made', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: ['A'] },
    config: { restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [0.1] } },
  });
  rig.onWorker(async (worker) => {
    await worker.commit('work.txt');
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  rig.cli.git('branch', 'orchestrate');
  rig.cli.write('taken', 'a file');
  rig.configure({ worktree: { root: 'taken' } });
  assert.equal((await rig.start().end()).code, 1);
  assert.match((await rig.stream('A')).reason ?? '', /"orchestrate" stands in the way/);
  rig.configure({ branchPrefix: 'agents/' });
  assert.equal((await rig.start().end()).code, 1);
  assert.match((await rig.stream('A')).reason ?? '', /cannot make the directory .*taken/);
  rig.configure({ worktree: { root: 'trees' } });
  assert.equal((await rig.start().end()).code, 0);
  // What is made keeps its names.
  rig.configure({ branchPrefix: 'other/', worktree: { root: 'elsewhere' } });
  rig.setTasks('B', 'pending');
  assert.equal((await rig.start(['B']).end()).code, 0);
  const { branch, worktree } = await rig.stream('B');
  assert.deepEqual([branch, worktree], ['agents/b', 'trees/b']);
});

test('a worktree that vanishes or points elsewhere is said so, its commits stay, and no git runs in the main checkout', async () => {
  await using rig = await createProjectRig({
    plan: { Gone: [], Swapped: [], Detached: [] },
    config: { restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [0.1] }, leftovers: 'commit' },
  });
  rig.cli.write('README.md', 'changed by the user\n');
  rig.cli.write('untracked.txt', 'of the user\n');
  const before = rig.cli.git('status', '--porcelain');
  // A worktree of the user's own, on a disk that is not there at the moment.
  const mine = join(rig.cli.home, 'mine');
  rig.cli.git('worktree', 'add', '--quiet', '--detach', mine);
  renameSync(mine, `${mine}-away`);
  const scripts: Readonly<Record<string, string>> = {
    Gone: 'rm -rf "$PWD"',
    Swapped:
      'rm .git; git -C "$PWD/../../.." rev-parse --git-dir >/dev/null; printf "gitdir: %s\\n" "$ORCHESTRATE_PROJECT/.git" > .git',
    Detached: 'git checkout --quiet --detach',
  };
  rig.onWorker(async (worker) => {
    await worker.commit('work.txt');
    if (worker.run === 1) await worker.sh(scripts[worker.stream] ?? '');
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  const ended = await rig.start().end();
  assert.equal(ended.code, 1, ended.stdout);
  const report = await rig.look();
  assert.match(streamOf(report, 'Gone').reason ?? '', /its worktree .*gone is gone/);
  assert.match(streamOf(report, 'Swapped').reason ?? '', /\.git no longer points to this repository/);
  assert.match(streamOf(report, 'Detached').reason ?? '', /is on no branch/);
  assert.equal(rig.cli.git('status', '--porcelain'), before);
  assert.equal(rig.cli.git('symbolic-ref', 'HEAD'), 'refs/heads/main');
  rig.setTasks('Gone', 'pending');
  await rig.run(['retry', 'Gone']);
  await rig.run(['start', 'Gone']);
  assert.equal(rig.cli.git('rev-list', '--count', 'main..orchestrate/gone'), '2', 'the first commit is kept');
  await rig.run(['clean']);
  renameSync(`${mine}-away`, mine);
  assert.equal(
    rig.cli.git('-C', mine, 'rev-parse', 'HEAD'),
    rig.cli.git('rev-parse', 'main'),
    'theirs is whole',
  );
});
