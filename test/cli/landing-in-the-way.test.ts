/** Whatever of the user's is in the way of a landing: it goes on beside it, or is refused with cause and remedy and every byte and ref as before. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '../../src/files/sha256.ts';
import { createLandingWorld, type LandingWorld } from '../support/landing-world.ts';

/** A path below a directory whose last part holds a byte that is not UTF-8. */
const odd = (directory: string, end: string): Buffer =>
  Buffer.concat([Buffer.from(`${directory}/odd/`), Buffer.from([0xfe]), Buffer.from(end)]);

/** What the project begins with, and what the one stream makes of it: every kind of change that git knows. */
function begin({ rig, git }: LandingWorld): void {
  const files = {
    '.gitignore': '*.ign\n',
    'edit.txt': 'one\ntwo\n',
    'gone.txt': 'gone\n',
    'from.txt': 'a file\nof some lines\nthat moves\n',
    'mode.sh': 'echo\n',
    'folder/inner.txt': 'inner\n',
    'plain.txt': 'plain\n',
  };
  for (const [path, text] of Object.entries(files)) rig.cli.write(path, text);
  git(['add', ...Object.keys(files)]);
  git(['commit', '--quiet', '-m', 'beginning']);
}

function change(world: LandingWorld, directory: string): void {
  const { rig, git } = world;
  const write = (path: string, text: string) => rig.cli.write(join(directory, path), text);
  write('edit.txt', 'one\ntwo, changed\n');
  git(['rm', '--quiet', '-r', 'gone.txt', 'folder'], directory);
  git(['mv', 'from.txt', 'to.txt'], directory);
  chmodSync(join(directory, 'mode.sh'), 0o755);
  for (const path of ['folder', 'new.txt', 'new/deep.txt', 'new.ign', 'odd/new\nline', 'odd/"q" $(x)', '-rf'])
    write(path, `${path} of the stream\n`);
  writeFileSync(odd(directory, '.txt'), 'not UTF-8\n');
  writeFileSync(odd(directory, '.ign'), 'not UTF-8 and ignored\n');
  git(['add', '--all', '--force'], directory);
}

/** Every ref, every file of the checkout and every byte of git's own but its objects, as lines. */
function listing({ rig, git }: LandingWorld): readonly string[] {
  const lines: string[] = [];
  const walk = (directory: Buffer): void => {
    for (const name of readdirSync(directory, { encoding: 'buffer' })) {
      const path = Buffer.concat([directory, Buffer.from('/'), name]);
      const shown = path.toString('latin1').slice(rig.root.length + 1);
      if (/^(\.git\/objects|\.claude)$/.test(shown)) continue;
      const stats = lstatSync(path);
      if (stats.isDirectory()) walk(path);
      else if (stats.isSymbolicLink()) lines.push(`${shown} -> ${readlinkSync(path)}`);
      else lines.push(`${shown} ${stats.mode.toString(8)} ${sha256(readFileSync(path))}`);
    }
  };
  walk(Buffer.from(rig.root));
  return [...lines.sort(), git(['for-each-ref'])];
}

/** Something in the way; `act` puts it there and returns what takes it away. */
type Obstacle = {
  readonly code: number;
  readonly says: RegExp;
  readonly act: (world: LandingWorld) => () => void;
};

const LOSES = (name: string): RegExp =>
  new RegExp(
    `landing would overwrite what is not committed: .*${name}.*nothing was changed: commit it, .*\\n {2}fix: git (?:--literal-pathspecs )?-C \\S+ stash `,
  );

const edited =
  (path: string, text = 'mine\n') =>
  ({ rig, git }: LandingWorld) => {
    rig.cli.write(path, text);
    return () => void git(['checkout', '--quiet', '--', path]);
  };
const added =
  (path: string, text = 'mine\n') =>
  ({ rig }: LandingWorld) => {
    rig.cli.write(path, text);
    return () =>
      rmSync(join(rig.root, path.split('/')[0] === 'odd' ? path : (path.split('/')[0] ?? '')), {
        recursive: true,
      });
  };
const oddly =
  (end: string) =>
  ({ rig }: LandingWorld) => {
    mkdirSync(join(rig.root, 'odd'), { recursive: true });
    writeFileSync(odd(rig.root, end), 'mine\n');
    return () => unlinkSync(odd(rig.root, end));
  };
const hidden =
  (flag: string) =>
  ({ rig, git }: LandingWorld) => {
    git(['update-index', `--${flag}`, 'edit.txt']);
    rig.cli.write('edit.txt', 'mine, unseen\n');
    return () => {
      git(['update-index', `--no-${flag}`, 'edit.txt']);
      git(['checkout', '--quiet', '--', 'edit.txt']);
    };
  };
const linked =
  (path: string) =>
  ({ rig }: LandingWorld) => {
    symlinkSync(rig.cli.home, join(rig.root, path));
    return () => unlinkSync(join(rig.root, path));
  };
/** A branch whose last commit clashes with the last one of main. */
const operation =
  (begins: readonly string[], ends: readonly string[]) =>
  ({ rig, git, tryGit }: LandingWorld) => {
    const from = git(['rev-parse', 'main']);
    git(['checkout', '--quiet', '-b', 'side']);
    rig.cli.write('plain.txt', 'of the side\n');
    git(['commit', '--quiet', '-am', 'side']);
    git(['checkout', '--quiet', 'main']);
    rig.cli.write('plain.txt', 'of main\n');
    git(['commit', '--quiet', '-am', 'main']);
    assert.equal(tryGit(begins), begins[0] === 'bisect');
    return () => {
      git(ends);
      git(['reset', '--quiet', '--hard', from]);
      git(['branch', '--quiet', '-D', 'side']);
    };
  };
const under = (name: string): RegExp =>
  new RegExp(
    `a ${name} of main is in progress in .*: finish or abort it first\\n {2}fix: git -C \\S+ status`,
  );
/** Takes main out of the main checkout, into a worktree of its own. */
const elsewhere = (then: (world: LandingWorld, place: string) => void) => (world: LandingWorld) => {
  const { rig, git } = world;
  const place = join(rig.cli.home, 'else');
  git(['checkout', '--quiet', '-b', 'mine']);
  git(['worktree', 'add', '--quiet', place, 'main']);
  then(world, place);
  return () => {
    if (existsSync(`${place}-away`)) renameSync(`${place}-away`, place);
    git(['worktree', 'remove', '--force', place]);
    git(['checkout', '--quiet', 'main']);
    git(['branch', '--quiet', '-D', 'mine']);
  };
};
const locked =
  (path: string) =>
  ({ rig }: LandingWorld) => {
    rig.cli.write(path, '');
    return () => unlinkSync(join(rig.root, path));
  };

const OBSTACLES: Readonly<Record<string, Obstacle>> = {
  'an edit': { code: 5, says: LOSES('edit\\.txt'), act: edited('edit.txt') },
  'a staged edit': {
    code: 5,
    says: LOSES('edit\\.txt'),
    act: ({ rig, git }) => {
      rig.cli.write('edit.txt', 'mine\n');
      git(['add', 'edit.txt']);
      return () => git(['reset', '--quiet', '--hard']);
    },
  },
  'an edit that skip-worktree hides': { code: 5, says: LOSES('edit\\.txt'), act: hidden('skip-worktree') },
  'an edit that assume-unchanged hides': {
    code: 5,
    says: LOSES('edit\\.txt'),
    act: hidden('assume-unchanged'),
  },
  'an edit of what goes': { code: 5, says: LOSES('gone\\.txt'), act: edited('gone.txt') },
  'an edit of what is renamed': { code: 5, says: LOSES('from\\.txt'), act: edited('from.txt') },
  'a file at the name that something is renamed to': {
    code: 5,
    says: LOSES('to\\.txt'),
    act: added('to.txt'),
  },
  'an ignored file': { code: 5, says: LOSES('new\\.ign'), act: added('new.ign') },
  'a name with a line break': { code: 5, says: LOSES('odd/new line'), act: added('odd/new\nline') },
  'a name with quotes': { code: 5, says: LOSES('odd/"q" \\$\\(x\\)'), act: added('odd/"q" $(x)') },
  'a name that begins like an option': { code: 5, says: LOSES('-rf'), act: added('-rf') },
  'a name that is not UTF-8': { code: 5, says: LOSES('odd/\\\\xfe\\.txt'), act: oddly('.txt') },
  'an ignored file whose name is not UTF-8': {
    code: 5,
    says: LOSES('odd/\\\\xfe\\.ign'),
    act: oddly('.ign'),
  },
  'a directory where a file is to be': {
    code: 5,
    says: LOSES('new\\.txt/x\\.ign'),
    act: added('new.txt/x.ign'),
  },
  'a file in a directory that becomes a file': {
    code: 5,
    says: LOSES('folder/x\\.ign'),
    act: ({ rig }) => {
      rig.cli.write('folder/x.ign', 'mine\n');
      return () => unlinkSync(join(rig.root, 'folder/x.ign'));
    },
  },
  'a file where a directory is to be': { code: 5, says: LOSES('new'), act: added('new') },
  'a link where a file is to be': { code: 5, says: LOSES('new\\.txt'), act: linked('new.txt') },
  'a link where a directory is to be': { code: 5, says: LOSES('new'), act: linked('new') },
  'a link in the place of a file': {
    code: 5,
    says: LOSES('edit\\.txt'),
    act: ({ rig, git }) => {
      unlinkSync(join(rig.root, 'edit.txt'));
      symlinkSync('plain.txt', join(rig.root, 'edit.txt'));
      return () => git(['checkout', '--quiet', '--', 'edit.txt']);
    },
  },
  'a merge under way': {
    code: 5,
    says: under('merge'),
    act: operation(['merge', 'side'], ['merge', '--abort']),
  },
  'a rebase under way': {
    code: 5,
    says: under('rebase'),
    act: operation(['rebase', 'side'], ['rebase', '--abort']),
  },
  'a cherry-pick under way': {
    code: 5,
    says: under('cherry-pick'),
    act: operation(['cherry-pick', 'side'], ['cherry-pick', '--abort']),
  },
  'a revert under way': {
    code: 5,
    says: under('revert'),
    act: operation(['revert', '--no-edit', 'side'], ['revert', '--abort']),
  },
  'a bisection under way': {
    code: 5,
    says: under('bisect'),
    act: operation(['bisect', 'start', 'main', 'main~1'], ['bisect', 'reset']),
  },
  'an edit in another worktree with the branch': {
    code: 5,
    says: /main is checked out in \S+\/else, where landing would overwrite what is not committed: edit\.txt/,
    act: elsewhere(({ rig }, place) => rig.cli.write(join(place, 'edit.txt'), 'mine\n')),
  },
  'another worktree with the branch that is away': {
    code: 5,
    says: /main is checked out in a worktree that cannot be reached: \S+\/else; nothing was changed\. Bring it back .*\n {2}fix: git worktree list/,
    act: elsewhere((_, place) => renameSync(place, `${place}-away`)),
  },
  'the index held by another git': {
    code: 4,
    says: /another git process holds \S+\/\.git\/index\.lock\n {2}fix: wait for it, or remove the file/,
    act: locked('.git/index.lock'),
  },
  'the branch held by another git': {
    code: 4,
    says: /another git process holds \S+\/\.git\/refs\/heads\/main\.lock\n {2}fix: wait for it, or remove the file/,
    act: locked('.git/refs/heads/main.lock'),
  },
  'two names that are one where case does not count': {
    code: 5,
    says: /new\.txt and NEW\.txt would be one file in \S+, where letter case does not count; nothing was changed/,
    act: ({ rig, git }) => {
      const from = git(['rev-parse', 'main']);
      rig.cli.write('NEW.txt', 'mine\n');
      git(['add', 'NEW.txt']);
      git(['commit', '--quiet', '-m', 'NEW']);
      git(['config', 'core.ignorecase', 'true']);
      return () => {
        git(['config', '--unset', 'core.ignorecase']);
        git(['reset', '--quiet', '--hard', from]);
      };
    },
  },
  'no commit': {
    code: 3,
    says: /"main", from which the plan started, is gone/,
    act: ({ git }) => {
      const from = git(['rev-parse', 'main']);
      git(['update-ref', '-d', 'refs/heads/main']);
      return () => git(['update-ref', 'refs/heads/main', from]);
    },
  },
};

test('what is in the way is named with what to do, and every byte and ref is as before', async () => {
  await using world = await createLandingWorld({ A: [] });
  begin(world);
  await world.finish('A', (directory) => change(world, directory));
  for (const [what, { code, says, act }] of Object.entries(OBSTACLES)) {
    const undo = act(world);
    const before = listing(world);
    const ended = await world.rig.cli.run(['merge']);
    assert.equal(ended.code, code, `${what}: ${ended.stdout}${ended.stderr}`);
    assert.match(ended.stderr, says, what);
    assert.match(ended.stderr, /^orchestrate: error: .+\n {2}fix: .+\n$/, what);
    assert.deepEqual(listing(world), before, what);
    const dry = await world.merge(['--dry-run']);
    assert.deepEqual(listing(world), before, `${what}: a dry run`);
    if (code === 5) assert.equal(dry.report?.refusal?.exitCode, 5, `${what}: ${JSON.stringify(dry)}`);
    undo();
  }
  // What is beside the way stays, and all lands.
  world.rig.cli.write('plain.txt', 'mine\n');
  world.rig.cli.write('folder-of-mine/x.ign', 'mine\n');
  const landed = await world.merge();
  assert.equal(landed.code, 0, landed.stderr);
  assert.equal(world.rig.cli.read('plain.txt'), 'mine\n');
  assert.equal(readFileSync(odd(world.rig.root, '.ign'), 'utf8'), 'not UTF-8 and ignored\n');
  assert.deepEqual(
    world.git(['status', '--porcelain', '--', '.', ':!.claude', ':!watch-status']),
    ' M plain.txt',
  );
});
