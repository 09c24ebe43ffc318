/** A seeded sequence of what can happen to work that lands (random plans and edits, kills, acts of the user), and what must hold afterwards. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createLandingWorld, type LandingWorld } from './landing-world.ts';
import type { Moment, Shim } from './shim.ts';

/** Numbers that look random and are the same for the same seed (mulberry32). */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** What must be so on a branch that has a stream's work, and must not be so, wholly, on one that lacks it. */
type Trace = { readonly what: string; holds(world: LandingWorld): boolean };

const onMain = (world: LandingWorld, path: string): string | null =>
  world.tryGit(['cat-file', '-e', `main:${path}`]) ? world.git(['show', `main:${path}`]) : null;

/** Files that the project begins with: each is changed by one stream at most. */
function beginning(world: LandingWorld, streams: number): void {
  const write = (path: string, text: string) => world.rig.cli.write(path, text);
  for (let at = 0; at < streams; at += 1) {
    for (const kind of ['rename', 'mode', 'binary', 'delete'])
      write(`${kind}/${at}`, `${kind} ${at}\n`.repeat(9));
  }
  write('shared.txt', Array.from({ length: 40 }, (_, at) => `line ${at}\n`).join(''));
  write('.gitignore', '*.ign\n');
}

/** Random work of the `at`-th stream, and its traces. */
function randomWork(at: number, stream: string, random: (below: number) => number) {
  const traces: Trace[] = [
    { what: `${stream}.txt`, holds: (world) => onMain(world, `own/${stream}.txt`) === stream },
  ];
  const write: ((cli: LandingWorld['rig']['cli'], directory: string) => void)[] = [
    (cli, directory) => cli.write(join(directory, 'own', `${stream}.txt`), `${stream}\n`),
  ];
  if (random(2) === 0) {
    write.push(
      (_, directory) => void execFileSync('git', ['mv', `rename/${at}`, `renamed-${at}`], { cwd: directory }),
    );
    traces.push({
      what: 'a rename',
      holds: (world) => onMain(world, `rename/${at}`) === null && onMain(world, `renamed-${at}`) !== null,
    });
  }
  if (random(2) === 0) {
    write.push((_, directory) => void execFileSync('chmod', ['+x', join(directory, 'mode', String(at))]));
    traces.push({
      what: 'a mode',
      holds: (world) => world.git(['ls-tree', 'main', `mode/${at}`]).startsWith('100755'),
    });
  }
  if (random(2) === 0) {
    write.push((cli, directory) => cli.write(join(directory, 'binary', String(at)), `\0\u0001${stream}\0`));
    traces.push({
      what: 'a binary file',
      holds: (world) => onMain(world, `binary/${at}`)?.includes(stream) === true,
    });
  }
  if (random(2) === 0) {
    write.push((_, directory) => rmSync(join(directory, 'delete', String(at))));
    traces.push({ what: 'a deletion', holds: (world) => onMain(world, `delete/${at}`) === null });
  }
  if (random(3) === 0) {
    // Two streams that choose the same line clash, unless one builds on the other.
    const line = 5 * random(3);
    write.push((cli, directory) => {
      const lines = readFileSync(join(directory, 'shared.txt'), 'utf8').split('\n');
      lines[line] = `line ${line} by ${stream}`;
      cli.write(join(directory, 'shared.txt'), lines.join('\n'));
    });
  }
  return {
    traces,
    work: (cli: LandingWorld['rig']['cli']) => (directory: string) =>
      write.forEach((step) => void step(cli, directory)),
  };
}

/** What the user does between two landings. */
const USER_ACTS: readonly ((
  world: LandingWorld,
  serial: number,
  random: (below: number) => number,
) => void)[] = [
  () => undefined,
  (world, serial) => {
    world.rig.cli.write(`user-${serial}.txt`, `${serial}\n`);
    world.tryGit(['add', `user-${serial}.txt`]);
    world.tryGit(['commit', '--quiet', '-m', `user ${serial}`]);
  },
  (world) =>
    void world.tryGit(['commit', '--quiet', '--amend', '--allow-empty', '-m', 'amended by the user']),
  (world) =>
    void (
      world.tryGit(['rebase', '--quiet', '--force-rebase', '--autostash', 'HEAD~1']) ||
      world.tryGit(['rebase', '--abort'])
    ),
  (world) => void world.tryGit(['checkout', '--quiet', '--detach']),
  (world) => void world.tryGit(['checkout', '--quiet', 'main']),
  (world, serial) => world.rig.cli.write('dirty.txt', `uncommitted ${serial}\n`),
  (world, serial, random) => world.rig.cli.write(`own/S${random(6)}.txt`, `in the way ${serial}\n`),
  (world) => void world.tryGit(['gc', '--quiet', '--prune=now']),
  (world, _, random) => {
    // Only of work that is committed: what is there else is the tests' own.
    const path = world.worktreeOf(`S${random(3)}`);
    if (existsSync(path)) rmSync(path, { recursive: true, force: true });
  },
];

const MOMENTS: readonly Moment[] = ['before', 'after', 'orphaned'];

/** One random plan with random work, kills and acts of the user; throws what did not hold, naming the seed. */
export async function landAtRandom(seed: number, shim: Shim): Promise<void> {
  const random = seeded(seed);
  const count = 3 + random(4);
  const ids = Array.from({ length: count }, (_, at) => `S${at}`);
  const plan = Object.fromEntries(
    ids.map((id, at) => [id, at > 0 && random(2) === 0 ? [`S${random(at)}`] : []]),
  );
  const strategy = (['merge', 'squash', 'rebase'] as const)[random(3)] ?? 'merge';
  await using world = await createLandingWorld(plan, {
    config: { landing: { strategy } },
    tools: [shim.directory],
  });
  shim.disarm();
  beginning(world, count);
  world.git(['add', '--all', '--', '.', ':!.claude']);
  world.git(['commit', '--quiet', '-m', 'beginning']);
  const made: string[] = [];
  const traces = new Map<string, readonly Trace[]>();
  const open = [...ids];
  const notes: string[] = [`seed ${seed}, ${strategy}, ${JSON.stringify(plan)}`];
  try {
    for (let serial = 0; open.length > 0 || serial < 4; serial += 1) {
      const id = open.shift();
      if (id !== undefined) {
        const { work, traces: left } = randomWork(ids.indexOf(id), id, random);
        made.push(await world.finish(id, work(world.rig.cli)));
        traces.set(id, left);
      }
      const act = random(USER_ACTS.length);
      USER_ACTS[act]?.(world, serial, random);
      const dirty = dirtyBytes(world);
      const [call, moment] = [1 + random(60), MOMENTS[random(3)] ?? 'before'];
      if (random(3) > 0) shim.arm('git', call, moment);
      const { code, stderr } = await world.merge();
      shim.disarm();
      notes.push(`act ${act}, kill ${moment} ${call}, exit ${code} ${stderr.split('\n')[0]}`);
      assert.deepEqual(dirtyBytes(world, dirty), dirty, 'the uncommitted bytes of the user');
    }
    await settle(world, { ids, traces, made });
  } catch (error) {
    throw new Error(`${notes.join('\n')}\n${error instanceof Error ? error.stack : String(error)}`, {
      cause: error,
    });
  }
}

/** What is not committed and the acts above wrote, by path. */
function dirtyBytes(world: LandingWorld, only?: Readonly<Record<string, string>>): Record<string, string> {
  const listed = world.git([
    'status',
    '--porcelain',
    '-z',
    '--untracked-files=all',
    '--',
    '.',
    ':!.claude',
    ':!watch-status',
  ]);
  const paths =
    only === undefined
      ? listed.split('\0').flatMap((line) => (line.length > 3 ? [line.slice(3)] : []))
      : Object.keys(only);
  return Object.fromEntries(
    paths.flatMap((path) => {
      const file = join(world.rig.root, path);
      const text = existsSync(file) ? readFileSync(file, 'utf8') : null;
      return text !== null && /^(?:uncommitted|in the way)/.test(text) ? [[path, text]] : [];
    }),
  );
}

type Made = {
  readonly ids: readonly string[];
  readonly traces: ReadonlyMap<string, readonly Trace[]>;
  readonly made: readonly string[];
};

/** The user gets out of the way; one more landing, and all must hold. */
async function settle(world: LandingWorld, { ids, traces, made }: Made): Promise<void> {
  // A run that was killed may have left its lock: the next one takes that away itself.
  const first = await world.merge();
  assert.ok([0, 1, 5].includes(first.code ?? -1), first.stderr);
  for (const [path, text] of Object.entries(dirtyBytes(world)))
    if (text.startsWith('in the way')) rmSync(join(world.rig.root, path));
  world.tryGit(['checkout', '--quiet', '--', 'own']);
  world.git(['checkout', '--quiet', 'main']);
  const { code, report, stderr } = await world.merge();
  assert.ok(code === 0 || code === 1, stderr);
  assert.ok(report);
  const there = new Set([...report.contained, ...report.landed.map(({ stream }) => stream)]);
  const left = new Set([...report.clashes, ...report.waiting].map(({ stream }) => stream));
  assert.equal(there.size + left.size, ids.length, 'every stream is there, clashes or waits');
  for (const id of ids) checkTraces(world, id, traces.get(id) ?? [], there.has(id));
  const subjects = world.git(['log', '--first-parent', '--format=%s', 'main']).split('\n');
  for (const id of ids)
    assert.ok(
      subjects.filter((each) => each.includes(`${id}: Work of`) || each === `work of ${id}`).length <= 1,
      `${id} landed once`,
    );
  const kept = new Set(world.git(['rev-list', '--branches', '--glob=refs/orchestrate']).split('\n'));
  for (const sha of made) assert.ok(kept.has(sha), `${sha} is kept`);
  const status = world.git(['status', '--porcelain', '--', '.', ':!.claude', ':!watch-status']);
  assert.deepEqual(
    status.split('\n').filter((line) => line !== '' && !line.endsWith('dirty.txt')),
    [],
    'the checkout is as main',
  );
  assert.equal(world.git(['for-each-ref', 'refs/orchestrate/landing']), '', 'no line is left');
  world.git(['fsck', '--connectivity-only']);
}

function checkTraces(world: LandingWorld, id: string, traces: readonly Trace[], landed: boolean): void {
  if (!landed) assert.equal(onMain(world, `own/${id}.txt`), null, `nothing of ${id} on main`);
  else for (const trace of traces) assert.ok(trace.holds(world), `${trace.what} of ${id} on main`);
}
