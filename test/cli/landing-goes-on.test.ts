/** Where a landing goes on: hooks that fail, keys that sign or do not, no branch checked out, other layouts, a user who works between two of its calls. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLandingWorld, type LandingWorld } from '../support/landing-world.ts';
import { runLikeOthers } from '../support/like-others.ts';

/** A `git` in front of the real one that runs a script before the first call whose arguments hold some words. */
function createIntruder() {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-intruder-'));
  const script = `#!/bin/sh
PATH=\${PATH#*:}
if [ -e '${directory}/words' ]; then
  case "$*" in
  *"$(cat '${directory}/words')"*)
    rm '${directory}/words'
    env -i HOME="$HOME" PATH="$PATH" GIT_CONFIG_NOSYSTEM=1 sh '${directory}/act' > '${directory}/said' 2>&1;;
  esac
fi
exec git "$@"
`;
  writeFileSync(join(directory, 'git'), script, { mode: 0o755 });
  return {
    directory,
    /** Has `act` run by sh, as the user would, in a directory, once. */
    arm(root: string, words: string, act: string): void {
      writeFileSync(join(directory, 'act'), `cd '${root}'\n${act}\n`);
      writeFileSync(join(directory, 'words'), words);
    },
    /** What it printed; fails the test when it never ran. */
    said(): string {
      assert.ok(!existsSync(join(directory, 'words')), 'it was never called');
      return readFileSync(join(directory, 'said'), 'utf8');
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

const subjects = ({ git }: LandingWorld, range: string) =>
  git(['log', '--first-parent', '--format=%s', range]).split('\n');
const status = ({ git }: LandingWorld) =>
  git(['status', '--porcelain', '--', '.', ':!.claude', ':!watch-status']);

/** Lands all, which must go well, and looks whether the checkout followed. */
async function lands(world: LandingWorld, args: readonly string[] = []): Promise<void> {
  const { code, stderr, report } = await world.merge(args);
  assert.equal(code, 0, `${stderr}${JSON.stringify(report)}`);
  assert.equal(world.git(['show', 'main:A.txt']), 'A');
  assert.equal(world.git(['for-each-ref', 'refs/orchestrate/landing']), '');
  assert.ok(!existsSync(join(world.rig.root, '.git/index.lock')));
}

/** Lets `main` be as it was, so that the same work can land again. */
function back({ git }: LandingWorld, from: string): void {
  git(['checkout', '--quiet', '-f', '-B', 'main', from]);
}

const work = (directory: string) => writeFileSync(join(directory, 'A.txt'), 'A\n');

test('hooks that fail run for none of it', async () => {
  await using world = await createLandingWorld({ A: [] });
  await world.finish('A', work);
  const hooks = join(world.rig.root, '.git/hooks');
  mkdirSync(hooks, { recursive: true });
  for (const name of [
    ...['pre-commit', 'prepare-commit-msg', 'commit-msg', 'post-commit', 'pre-merge-commit', 'post-merge'],
    ...[
      'post-checkout',
      'post-index-change',
      'reference-transaction',
      'update',
      'pre-rebase',
      'post-rewrite',
    ],
  ]) {
    writeFileSync(join(hooks, name), `#!/bin/sh\necho ${name} >> '${hooks}/ran'\nexit 1\n`);
    chmodSync(join(hooks, name), 0o755);
  }
  await lands(world);
  assert.ok(!existsSync(join(hooks, 'ran')));
  rmSync(hooks, { recursive: true });
  assert.equal(status(world), '');
});

test('a key that signs without asking signs; one that cannot, or would have to ask, keeps nothing from landing', async () => {
  await using world = await createLandingWorld({ A: [], B: [] });
  const { rig, git } = world;
  await world.finish('A', work);
  await world.finish('B', (directory) => writeFileSync(join(directory, 'B.txt'), 'B\n'));
  // Else its very commits land where a rebase would put them.
  git(['commit', '--quiet', '--allow-empty', '-m', 'by the user']);
  const from = git(['rev-parse', 'main']);
  const program = join(rig.cli.home, 'gpg');
  git(['config', 'commit.gpgSign', 'true']);
  git(['config', 'gpg.program', program]);
  const use = (script: string) =>
    writeFileSync(program, `#!/bin/sh\ncat > /dev/null\n${script}\n`, { mode: 0o755 });
  const signature = '-----BEGIN PGP SIGNATURE-----\n\nnot a real one\n-----END PGP SIGNATURE-----';
  for (const strategy of ['merge', 'squash', 'rebase']) {
    use(
      `echo "$*" > '${rig.cli.home}/asked'\nenv > '${rig.cli.home}/env'\nprintf '\\n[GNUPG:] SIG_CREATED D\\n' >&2\necho '${signature}'`,
    );
    await lands(world, ['--strategy', strategy]);
    const raw = git(['cat-file', 'commit', 'main']);
    assert.match(raw, /^gpgsig -----BEGIN PGP SIGNATURE-----/m, strategy);
    assert.match(raw, /^committer A Person <person@example\.com>/m, strategy);
    // It is told that there is nobody to ask.
    assert.match(rig.cli.read(join(rig.cli.home, 'asked')), /^--batch --no-tty --pinentry-mode error /);
    // The agent with the passphrases, which it may start, is the user's: no mark of ours is on it, by which it would be ended.
    assert.doesNotMatch(rig.cli.read(join(rig.cli.home, 'env')), /^ORCHESTRATE_MARK=/m);
    back(world, from);
    use(`echo x >> '${rig.cli.home}/${strategy}'; echo "gpg: no secret key" >&2; exit 2`);
    const { stdout } = await rig.run(['merge', '--strategy', strategy]);
    assert.match(stdout, /^its commits are not signed: .+$/m, strategy);
    assert.match(stdout, /^Landed on main by /m);
    assert.doesNotMatch(git(['cat-file', 'commit', 'main']), /gpgsig/, strategy);
    // A signer that does not answer would be waited for each time.
    assert.equal(rig.cli.read(join(rig.cli.home, strategy)), 'x\n');
    assert.equal(status(world), '');
    back(world, from);
  }
});

test('what is checked out is left alone where it is no branch, or another one; a worktree with the branch follows', async () => {
  await using world = await createLandingWorld({ A: [] });
  const { rig, git } = world;
  await world.finish('A', work);
  const from = git(['rev-parse', 'main']);
  const here = () => [git(['rev-parse', 'HEAD']), existsSync(join(rig.root, 'A.txt')), status(world)];
  git(['checkout', '--quiet', '--detach']);
  await lands(world);
  assert.deepEqual(here(), [from, false, '']);
  back(world, from);
  git(['checkout', '--quiet', '-b', 'mine']);
  await lands(world);
  assert.deepEqual(here(), [from, false, '']);
  back(world, from);
  git(['checkout', '--quiet', 'mine']);
  const place = join(rig.cli.home, 'else where');
  git(['worktree', 'add', '--quiet', place, 'main']);
  writeFileSync(join(place, 'mine.txt'), 'mine\n');
  await lands(world);
  assert.deepEqual(here(), [from, false, '']);
  assert.equal(git(['status', '--porcelain'], place), '?? mine.txt');
  assert.equal(readFileSync(join(place, 'A.txt'), 'utf8'), 'A\n');
  // Typed there it means the same project.
  assert.match((await rig.run(['merge'], 0, { cwd: place })).stdout, /A {2}is there already/);
  // From below a branch that has no commit yet, into one that is named.
  git(['symbolic-ref', 'HEAD', 'refs/heads/fresh']);
  git(['branch', 'other', from]);
  await rig.run(['merge', '--into', 'other']);
  assert.equal(git(['show', 'other:A.txt']), 'A');
  assert.equal(git(['symbolic-ref', 'HEAD']), 'refs/heads/fresh');
});

test('a shallow repository with a submodule and pointers of git-lfs is landed in like any other', async () => {
  await using world = await createLandingWorld({ A: [], B: ['A'] });
  const { rig, git } = world;
  const sub = join(rig.cli.home, 'sub');
  git(['init', '--quiet', sub]);
  git(
    [
      '-c',
      'user.name=A',
      '-c',
      'user.email=a@example.com',
      'commit',
      '--quiet',
      '--allow-empty',
      '-m',
      'sub',
    ],
    sub,
  );
  git(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', sub, 'sub']);
  rig.cli.write('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
  git(['add', '.gitattributes']);
  git(['commit', '--quiet', '-m', 'beginning']);
  writeFileSync(join(rig.root, '.git/shallow'), `${git(['rev-parse', 'main'])}\n`);
  assert.equal(git(['rev-parse', '--is-shallow-repository']), 'true');
  const from = git(['rev-parse', 'main']);
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n';
  await world.finish('A', (directory) => {
    work(directory);
    writeFileSync(join(directory, 'big.bin'), pointer);
  });
  await world.finish('B', (directory) => writeFileSync(join(directory, 'B.txt'), 'B\n'));
  const subHead = git(['rev-parse', 'HEAD'], join(rig.root, 'sub'));
  await lands(world);
  assert.equal(status(world), '');
  assert.equal(rig.cli.read('big.bin'), pointer);
  assert.equal(git(['rev-parse', 'HEAD'], join(rig.root, 'sub')), subHead);
  git(['fsck', '--connectivity-only']);
  // What is required and not there is told before anything moves.
  back(world, from);
  git(['config', 'filter.lfs.required', 'true']);
  git(['config', 'filter.lfs.smudge', 'no-such-git-lfs smudge -- %f']);
  const before = [git(['for-each-ref']), git(['ls-files', '-s'])];
  assert.match((await rig.run(['merge'], 5)).stderr, /git settings .*: filter\.lfs\.smudge/);
  await rig.run(['start', '--accept-git-config']);
  const refused = await rig.run(['merge'], 3);
  assert.match(
    refused.stderr,
    /big\.bin cannot be written in .*the filter "lfs" fails .*nothing was changed: make the filter work first\n {2}fix: git config/,
  );
  assert.deepEqual([git(['for-each-ref']), git(['ls-files', '-s'])], before);
});

test('a user who commits, amends, rebases, pushes or deletes between two of its calls keeps all of that', async () => {
  using intruder = createIntruder();
  await using world = await createLandingWorld({ A: [] }, { tools: [intruder.directory] });
  const { rig, git } = world;
  for (const name of ['first', 'second']) {
    rig.cli.write(`${name}.txt`, `${name}\n`);
    git(['add', `${name}.txt`]);
    git(['commit', '--quiet', '-m', name]);
  }
  await world.finish('A', work);
  const from = git(['rev-parse', 'main']);
  const commit = 'echo u > user.txt && git add user.txt && git commit -q -m "by the user"';
  // Each before the call with these words; what is on main afterwards, the latest first.
  const acts: Readonly<Record<string, readonly [words: string, act: string, on: readonly string[]]>> = {
    'a commit before the line is kept': ['pack-objects', commit, ['by the user', 'second', 'first']],
    'a commit before it is known what is there': ['merge-tree', commit, ['by the user', 'second', 'first']],
    'a commit after the line is kept': ['-m landing ', commit, ['by the user', 'second', 'first']],
    'an amended commit': ['-m landing ', 'git commit -q --amend -m amended', ['amended', 'first']],
    'a rebase': ['-m landing ', 'GIT_SEQUENCE_EDITOR="sed -i 2,9d" git rebase -q -i HEAD~2', ['first']],
    'a push': [
      '-m orchestrate merge',
      'git update-ref refs/heads/main $(git commit-tree -p main -m pushed main^{tree})',
      ['pushed', 'second', 'first'],
    ],
  };
  for (const [what, [words, act, on]] of Object.entries(acts)) {
    intruder.arm(rig.root, words, act);
    await lands(world);
    assert.equal(intruder.said(), '', what);
    assert.deepEqual(subjects(world, 'main').slice(0, on.length + 1), ['Merge A: Work of A', ...on], what);
    assert.equal(status(world), '', what);
    back(world, from);
    rmSync(join(rig.root, 'user.txt'), { force: true });
  }
  // While the files follow the branch, git itself keeps the user from committing on top of it.
  intruder.arm(rig.root, 'read-tree -m -u', 'git commit -q --allow-empty -m late');
  await lands(world);
  assert.match(intruder.said(), /index\.lock': File exists/);
  assert.equal(status(world), '');
  back(world, from);
  // A branch that went is not made again.
  intruder.arm(rig.root, '-m landing ', 'git checkout -q --detach && git branch -q -D main');
  const gone = await world.merge();
  assert.equal(gone.code, 3);
  assert.match(gone.stderr, /"main", from which the plan started, is gone/);
  assert.ok(!world.tryGit(['rev-parse', '--verify', '--quiet', 'refs/heads/main']));
  assert.equal(git(['for-each-ref', 'refs/orchestrate/landing']), '');
  back(world, from);
  // A file that is written in the very moment of the move stays; the next landing finishes around it.
  intruder.arm(rig.root, '-m orchestrate merge', 'echo mine > A.txt');
  const written = await world.merge();
  assert.equal(rig.cli.read('A.txt'), 'mine\n');
  assert.match(written.stderr, /A\.txt/);
  const next = await world.merge();
  assert.equal(next.code, 0, next.stderr);
  assert.equal(rig.cli.read('A.txt'), 'mine\n');
  assert.equal(status(world), ' M A.txt');
  assert.ok(!existsSync(join(rig.root, '.git/index.lock')));
});

test('names with line breaks, quotes, dashes and bytes that are not UTF-8 pass through sync, review, merge, clean and recover', async () => {
  await using world = await createLandingWorld({ A: [], B: ['A'], C: [] });
  const { rig, git } = world;
  const names = ['new\nline', '"q" $(x) `y`', '-rf', ' first', 'tab\there', 'é', 'a\\b'];
  const at = (directory: string, name: string) => join(directory, 'odd', name);
  const write = (directory: string, text: string) => {
    for (const name of names) rig.cli.write(at(directory, name), `${text} ${name}\n`);
  };
  const base = { sha: git(['rev-parse', 'main']), parents: [] };
  await world.finish('A', (directory) => write(directory, 'one'));
  await world.finish('B', (directory) => rig.cli.write(at(directory, 'of\nB'), 'B\n'));
  await world.finish('C', (directory) =>
    writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff])]), 'C\n'),
  );
  // A moves on, and B follows.
  const a = world.worktreeOf('A');
  write(a, 'two');
  git(['commit', '--quiet', '-am', 'more'], a);
  await world.verify('A', git(['rev-parse', 'HEAD'], a), base);
  assert.match((await rig.run(['sync'])).stdout, /^B: up to date \([0-9a-f]+\)$/m);
  for (const name of names) assert.equal(rig.cli.read(at(world.worktreeOf('B'), name)), `two ${name}\n`);
  const { streams } = JSON.parse((await rig.run(['review', '--json'])).stdout) as {
    streams: { id: string; files: string[] }[];
  };
  assert.deepEqual(
    streams.flatMap(({ id, files }) => (id === 'C' ? [] : [[id, files.toSorted()]])),
    [
      ['A', names.map((name) => `odd/${name}`).toSorted()],
      ['B', ['odd/of\nB']],
    ],
  );
  assert.match((await rig.run(['review', 'B'])).stdout, /^\+B$/m);
  const landed = await world.merge();
  assert.equal(landed.code, 0, landed.stderr);
  for (const name of names) assert.equal(rig.cli.read(at(rig.root, name)), `two ${name}\n`);
  assert.equal(status(world), '');
  // What holds something is named, whatever its name.
  const b = world.worktreeOf('B');
  rig.cli.write(at(b, 'mine\n"x"'), 'mine\n');
  const kept = await rig.run(['clean', 'B'], 5);
  assert.match(kept.stderr, /^orchestrate: error: B was kept: untracked files: odd\/mine "x"\n {2}fix: /);
  rmSync(at(b, 'mine\n"x"'));
  const cleaned = await rig.run(['clean']);
  assert.match(
    cleaned.stdout,
    /^Removed A: [\s\S]*^Removed B: [\s\S]*^Kept C: files whose names are not UTF-8: /m,
  );
  assert.ok(!existsSync(a) && !existsSync(b));
  await rig.run(['recover', 'B']);
  assert.equal(rig.cli.read(at(b, 'of\nB')), 'B\n');
  for (const name of names) assert.equal(rig.cli.read(at(b, name)), `two ${name}\n`);
  assert.equal(git(['status', '--porcelain'], b), '');
});

test('directories that a gate made read-only keep no landing from its end, and none after it', async () => {
  const command = 'mkdir -p made/deep && : > made/deep/file && chmod 500 made/deep made';
  await using world = await createLandingWorld(
    { A: [], B: [], C: [], D: [] },
    { config: { gates: [{ name: 'makes', command }] } },
  );
  for (const pair of ['AB', 'CD']) {
    for (const id of pair)
      await world.finish(id, (directory) => writeFileSync(join(directory, `${id}.txt`), `${id}\n`));
    const { code, stdout, stderr } = await runLikeOthers(world.rig.cli, ['merge']);
    assert.equal(code, 0, `${stdout}${stderr}`);
  }
  assert.equal(world.git(['show', 'main:D.txt']), 'D');
  assert.doesNotMatch(world.git(['worktree', 'list']), /_landing/);
});
