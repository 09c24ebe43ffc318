/** What landing costs: thirty streams in a repository of 5,000 files, beside the bare git commands by hand. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLandingWorld, type LandingWorld } from '../../test/support/landing-world.ts';
import { type Benchmark, byTurns, durationMs, type Figure } from './measure.ts';
import { commandMs, inProject } from './projects.ts';

const STREAMS = 30;
const FILES = 5_000;
const ROUNDS = 5;

/** Thirty streams in chains of three, each with a commit of its own on no worktree. */
async function makeWorld(): Promise<LandingWorld> {
  const ids = Array.from({ length: STREAMS }, (_, at) => `S${at}`);
  const world = await createLandingWorld(
    Object.fromEntries(ids.map((id, at) => [id, at % 3 === 0 ? [] : [`S${at - 1}`]])),
  );
  for (let at = 0; at < FILES; at += 1) {
    const directory = join(world.rig.root, 'src', `d${at % 100}`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `f${at}.txt`), `file ${at}\n`.repeat(20));
  }
  world.git(['add', 'src']);
  world.git(['commit', '--quiet', '-m', 'files']);
  const start = world.git(['rev-parse', 'HEAD']);
  world.ports.state.setInitiativeBase('init-1', { branch: 'main', sha: start });
  const heads = new Map<string, string>();
  for (const [at, id] of ids.entries()) {
    const parent = heads.get(`S${at - 1}`);
    const from =
      at % 3 === 0 || parent === undefined ? { sha: start, parents: [] } : { sha: parent, parents: [parent] };
    const sha = commitOn(world, from.sha, at);
    world.git(['update-ref', `refs/heads/orchestrate/${id.toLowerCase()}`, sha]);
    await world.verify(id, sha, from);
    heads.set(id, sha);
  }
  world.git(['repack', '-adq']);
  return world;
}

function commitOn(world: LandingWorld, base: string, at: number): string {
  const env = { ...world.rig.cli.env, GIT_INDEX_FILE: join(world.rig.cli.home, 'index') };
  const git = (args: readonly string[], input?: string) =>
    execFileSync('git', args, {
      cwd: world.rig.root,
      env,
      encoding: 'utf8',
      ...(input === undefined ? {} : { input }),
    }).trim();
  git(['read-tree', base]);
  const blob = git(['hash-object', '-w', '--stdin'], `changed by ${at}\n`);
  for (const file of [`src/d${at}/f${at}.txt`, `src/d${at}/new-${at}.txt`])
    git(['update-index', '--add', '--cacheinfo', `100644,${blob},${file}`]);
  return git(['commit-tree', git(['write-tree']), '-p', base, '-m', `work ${at}`]);
}

async function landAll(): Promise<readonly Figure[]> {
  await using world = await makeWorld();
  const { rig } = world;
  const start = world.git(['rev-parse', 'main']);
  const branches = Array.from({ length: STREAMS }, (_, at) => `orchestrate/s${at}`);
  const byHand = `for b in ${branches.join(' ')}; do git merge -q --no-ff -m "Merge $b" $b || exit 1; done`;
  const bare = `for b in ${branches.join(' ')}; do git merge-tree --write-tree main $b >/dev/null || exit 1; done`;
  const again = () => void world.git(['reset', '--quiet', '--hard', start]);
  const timed = async (work: () => Promise<number>): Promise<number> => {
    again();
    return work();
  };
  const sh = (script: string) => () =>
    timed(() => durationMs(() => inProject(rig, '/bin/sh', ['-c', script])));
  const cli =
    (...args: string[]) =>
    () =>
      timed(() => commandMs(rig, ['merge', ...args]));
  const [dry, dryFloor, land, landFloor] = await byTurns(ROUNDS, [
    cli('--dry-run'),
    sh(bare),
    cli(),
    sh(byHand),
  ]);
  return [
    {
      name: 'merge --dry-run of 30 streams',
      unit: 'ms',
      samples: dry,
      floor: { name: '30 git merge-tree', samples: dryFloor },
    },
    {
      name: 'merge of 30 streams',
      unit: 'ms',
      samples: land,
      floor: { name: '30 git merge by hand', samples: landFloor },
    },
  ];
}

export const landing: readonly Benchmark[] = [
  {
    name: 'landing',
    summary: 'landing 30 streams in a repository of 5,000 files, and its dry run',
    run: landAll,
  },
];
