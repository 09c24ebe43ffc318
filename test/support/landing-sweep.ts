/** A seeded sequence of what can happen to work that lands (random plans and edits, kills, acts of the user), and what must hold afterwards. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beginning, onMain, randomWork, type Trace } from './landing-work.ts';
import { createLandingWorld, type LandingWorld } from './landing-world.ts';
import type { Moment, Shim } from './shim.ts';

type Random = (below: number) => number;

/** Numbers that look random and are the same for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** What the user does between two landings. */
const USER_ACTS: readonly ((world: LandingWorld, serial: number, random: Random) => void)[] = [
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

/** Which of the acts deletes the directory of a worktree. */
const DELETES_WORKTREE = USER_ACTS.length - 1;

const MOMENTS: readonly Moment[] = ['before', 'after', 'orphaned'];

/** What somebody wrote into worktrees and never committed, by path. */
type Leftovers = Map<string, string>;

/** Somebody writes into a finished stream's worktree what is not committed: ignored, untracked, or over what is tracked. */
function leaveBytes(world: LandingWorld, serial: number, { random, made, left }: Past): void {
  const done = [...made.keys()];
  const id = done[random(done.length)] ?? '';
  const worktree = world.worktreeOf(id);
  if (random(2) === 0 || !existsSync(worktree)) return;
  const name = [`left-${serial}.ign`, `left-${serial}.txt`, `own/${id}.txt`][random(3)] ?? '';
  const path = join(worktree, name);
  left.set(path, `left by somebody, ${serial}\n`);
  world.rig.cli.write(path, `left by somebody, ${serial}\n`);
}

/** Every byte that nobody committed is where it was written, or in a saved ref. */
function assertLeftoversKept(world: LandingWorld, left: Leftovers): void {
  const lost = [...left].filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text);
  if (lost.length === 0) return;
  const saved = new Set(
    world.git(['rev-list', '--objects', '--no-object-names', '--glob=refs/orchestrate/saved']).split('\n'),
  );
  for (const [path, text] of lost) {
    const options = { cwd: world.rig.root, env: world.rig.cli.env, input: text, encoding: 'utf8' } as const;
    const blob = execFileSync('git', ['hash-object', '--stdin'], options).trim();
    assert.ok(saved.has(blob), `what was written to ${path} is neither there nor saved`);
  }
}

/** What has happened in a world so far. */
type Past = {
  readonly random: Random;
  readonly shim: Shim;
  /** Commits of streams that are done. */
  readonly made: Map<string, string>;
  readonly traces: Map<string, readonly Trace[]>;
  readonly left: Leftovers;
  readonly notes: string[];
};

/** Work of the `at`-th stream, unless what it builds on was never begun or clashes: then nor is it. */
async function workOn(
  world: LandingWorld,
  { id, on, at }: { readonly id: string; readonly on: readonly string[]; readonly at: number },
  { made, traces, random }: Past,
): Promise<void> {
  const parents = on.flatMap((each) => made.get(each) ?? []);
  if (parents.length < on.length) return;
  const merged = parents.length > 1 ? await world.ports.git.mergeBases(parents, 'base') : { ok: true };
  if (!merged.ok) return;
  const own = randomWork(at, id, random);
  made.set(id, await world.finish(id, own.work(world.rig.cli)));
  traces.set(id, own.traces);
}

/** Lands or cleans, perhaps killed at a random call, and looks at what must never change by it. */
async function harmedCommand(world: LandingWorld, command: 'merge' | 'clean', past: Past): Promise<void> {
  const { random, shim, notes } = past;
  const dirty = dirtyBytes(world);
  const tip = world.git(['rev-parse', 'main']);
  const [call, moment] = [1 + random(60), MOMENTS[random(3)] ?? 'before'];
  if (random(3) > 0) shim.arm('git', call, moment);
  const { code, stderr } = await (command === 'merge' ? world.merge() : world.rig.cli.run(['clean']));
  shim.disarm();
  notes.push(`${command}, kill ${moment} ${call}, exit ${code} ${stderr.split('\n')[0]}`);
  assert.deepEqual(dirtyBytes(world, dirty), dirty, 'the uncommitted bytes of the user');
  assert.ok(world.tryGit(['merge-base', '--is-ancestor', tip, 'main']), 'main only went forward');
  assertLeftoversKept(world, past.left);
}

function actAsUser(world: LandingWorld, serial: number, { random, left, notes }: Past): void {
  const act = random(USER_ACTS.length);
  notes.push(`act ${act}`);
  USER_ACTS[act]?.(world, serial, random);
  // What the user deleted is nobody's to keep.
  for (const path of left.keys()) if (act === DELETES_WORKTREE && !existsSync(path)) left.delete(path);
}

/** A plan in which a stream builds on two earlier ones at most. */
function randomPlan(ids: readonly string[], random: Random): Readonly<Record<string, readonly string[]>> {
  const earlier = (at: number) => ids.slice(0, at).filter(() => random(at + 1) === 0);
  return Object.fromEntries(ids.map((id, at) => [id, earlier(at).slice(0, 2)]));
}

/** One random plan with random work, kills and acts of the user; throws what did not hold, naming the seed. */
export async function landAtRandom(seed: number, shim: Shim): Promise<void> {
  const random = seeded(seed);
  const ids = Array.from({ length: 3 + random(4) }, (_, at) => `S${at}`);
  const plan = randomPlan(ids, random);
  const strategy = (['merge', 'squash', 'rebase'] as const)[random(3)] ?? 'merge';
  await using world = await createLandingWorld(plan, {
    config: { landing: { strategy } },
    tools: [shim.directory],
  });
  shim.disarm();
  beginning(world, ids.length);
  world.git(['add', '--all', '--', '.', ':!.claude']);
  world.git(['commit', '--quiet', '-m', 'beginning']);
  const notes: string[] = [`seed ${seed}, ${strategy}, ${JSON.stringify(plan)}`];
  const past: Past = { random, shim, made: new Map(), traces: new Map(), left: new Map(), notes };
  try {
    for (let serial = 0; serial < Math.max(4, ids.length + 2); serial += 1) {
      const id = ids[serial];
      if (id !== undefined) await workOn(world, { id, on: plan[id] ?? [], at: serial }, past);
      actAsUser(world, serial, past);
      leaveBytes(world, serial, past);
      // What others still build on is kept for them; afterwards anything may be cleaned.
      const isOver = serial >= ids.length;
      await harmedCommand(world, isOver && random(2) === 0 ? 'clean' : 'merge', past);
    }
    await settle(world, past);
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

/** The user gets out of the way; one more landing, what landed is cleaned, and all must hold. */
async function settle(world: LandingWorld, { made, traces, left: leftovers }: Past): Promise<void> {
  const ids = [...made.keys()];
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
  const status = world.git(['status', '--porcelain', '--', '.', ':!.claude', ':!watch-status']);
  // What git did not take of the user, since a run that was killed had left its lock, is theirs as they wrote it.
  const users = /dirty\.txt$|^(?:\?\?|A ) user-\d+\.txt$/;
  assert.deepEqual(
    status.split('\n').filter((line) => line !== '' && !users.test(line)),
    [],
    'the checkout is as main',
  );
  assert.equal(world.git(['for-each-ref', 'refs/orchestrate/landing']), '', 'no line is left');
  const cleaned = await world.rig.cli.run(['clean']);
  assert.equal(cleaned.code, 0, cleaned.stderr);
  const kept = new Set(world.git(['rev-list', '--branches', '--glob=refs/orchestrate']).split('\n'));
  for (const sha of made.values()) assert.ok(kept.has(sha), `${sha} is kept`);
  assertLeftoversKept(world, leftovers);
  world.git(['fsck', '--connectivity-only']);
}

function checkTraces(world: LandingWorld, id: string, traces: readonly Trace[], landed: boolean): void {
  if (!landed) assert.equal(onMain(world, `own/${id}.txt`), null, `nothing of ${id} on main`);
  else for (const trace of traces) assert.ok(trace.holds(world), `${trace.what} of ${id} on main`);
}
