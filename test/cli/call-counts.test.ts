/** What cannot be felt but counted: how often a look calls tmux and git, however many streams there are; what a command loads. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { openProject } from '../../src/app/project.ts';
import { openPorts } from '../../src/app/wiring.ts';
import { takeLook } from '../../src/look/snapshot.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';
import { createLandingWorld } from '../support/landing-world.ts';
import { createCallCounter } from '../support/shim.ts';
import { until } from '../support/wait.ts';
import { createProjectRig } from '../support/worker-rig.ts';

/** Calls of tmux and git by five looks at a plan of `count` streams of which two run. */
async function callsOfFiveLooks(count: number): Promise<{ tmux: number; git: number }> {
  using counter = createCallCounter();
  await using rig = await createProjectRig({
    plan: Object.fromEntries(Array.from({ length: count }, (_, at) => [`S${at}`, []])),
    config: { maxWorkers: 2 },
    tools: [counter.directory],
  });
  const poller = rig.start();
  await rig.until('two run', ({ summary }) => summary.streams.running === 2);
  await poller.kill();
  const of = (tool: 'tmux' | 'git') => counter.calls(tool, process.pid);
  const before = { tmux: of('tmux'), git: of('git') };
  for (let look = 0; look < 5; look += 1) await rig.look();
  return { tmux: of('tmux') - before.tmux, git: of('git') - before.git };
}

test('a look calls tmux once, and git no more often for thirty streams than for three', async () => {
  const few = await callsOfFiveLooks(3);
  const many = await callsOfFiveLooks(30);
  assert.equal(few.tmux, 5);
  assert.deepEqual(many, few);
});

test('who watches takes what the living poller saw since it was woken, and nothing else', async () => {
  using counter = createCallCounter();
  await using rig = await createProjectRig({ tools: [counter.directory] });
  const poller = rig.start();
  await rig.nextWorker('A');
  const project = openProject({ cwd: rig.root, env: rig.cli.env });
  try {
    const ports = await openPorts(project, { create: true });
    const { published } = ports.paths;
    const heads = async (
      afterNs: bigint | null,
    ): Promise<{ calls: number; heads: unknown; panes: unknown }> => {
      const before = counter.calls('tmux', process.pid) + counter.calls('git', process.pid);
      const { snapshot, tmux } = await takeLook(ports, null, true, new Map(), afterNs);
      const calls = counter.calls('tmux', process.pid) + counter.calls('git', process.pid) - before;
      const panes = tmux.known && tmux.value.panes.map(({ id, key }) => `${id} ${key}`);
      return { calls, heads: snapshot.heads.known && [...snapshot.heads.value], panes };
    };
    const own = await until('the poller has seen what there is', async () => {
      const [mine, its] = [await heads(null), await heads(0n)];
      return its.calls === 0 && JSON.stringify(its.heads) === JSON.stringify(mine.heads) && mine;
    });
    assert.deepEqual(await heads(0n), { ...own, calls: 0 });
    assert.equal(statSync(published).mode & 0o777, 0o600);
    assert.deepEqual(await heads(process.hrtime.bigint()), own, 'what it saw before that is old');
    const text = readFileSync(published, 'utf8');
    const others: Record<string, object | string> = {
      'of another boot': { bootId: 'x' },
      'of another process': { start: '1' },
      'of other branches': { question: 'x' },
      'of another version': { version: 2 },
      'cut off': text.slice(0, 50),
    };
    process.kill(poller.child.pid ?? 0, 'SIGSTOP');
    for (const [what, part] of Object.entries(others)) {
      writeFileSync(
        published,
        typeof part === 'string' ? part : JSON.stringify({ ...JSON.parse(text), ...part }),
      );
      assert.equal((await heads(0n)).calls, own.calls, what);
    }
    writeFileSync(published, text);
    assert.equal((await heads(0n)).calls, 0);
    await poller.kill();
    assert.equal((await heads(0n)).calls, own.calls, 'of a poller that is gone');
  } finally {
    project.close();
  }
});

/** Calls of git by `merge --dry-run`, and by `report`, for `count` streams that are done. */
async function callsWhenDone(count: number): Promise<{ readonly merge: number; readonly report: number }> {
  using counter = createCallCounter();
  const streams = Array.from({ length: count }, (_, at) => `S${at}`);
  await using world = await createLandingWorld(Object.fromEntries(streams.map((id) => [id, []])), {
    tools: [counter.directory],
  });
  for (const id of streams) await world.finish(id, (at) => writeFileSync(join(at, `${id}.txt`), id));
  const before = counter.calls('git');
  const { report } = await world.merge(['--dry-run']);
  assert.equal(report?.landed.length, count);
  const merge = counter.calls('git') - before;
  const told = JSON.parse((await world.rig.run(['report', '--json'])).stdout);
  assert.equal(
    told.streams.filter((each: { commitList: object[] }) => each.commitList.length === 1).length,
    count,
  );
  return { merge, report: counter.calls('git') - before - merge };
}

test('a dry merge calls git once more for each stream that would land, a report thrice', async () => {
  const few = await callsWhenDone(1);
  const more = await callsWhenDone(3);
  assert.deepEqual(
    { merge: more.merge - few.merge, report: more.report - few.report },
    { merge: 2, report: 6 },
  );
});

/** SQL statements that two more looks at a plan of `count` streams run, in this process. */
async function statementsOfTwoLooks(count: number): Promise<number> {
  await using rig = await createCliRig();
  const streams = Array.from({ length: count }, (_, at) => `  - {id: S${at}, name: S, tasks: [{title: T}]}`);
  rig.write('plan.yaml', `prd: {title: P}\nstreams:\n${streams.join('\n')}\n`);
  assert.equal((await rig.run(['import', 'plan.yaml'])).code, 0);
  const project = openProject({ cwd: rig.root, env: rig.env });
  try {
    const ports = await openPorts(project, { create: true });
    await takeLook(ports, new Map(), true);
    using counted = countStatements();
    for (let look = 0; look < 2; look += 1) await takeLook(ports, new Map(), true);
    return counted.statements();
  } finally {
    project.close();
  }
}

/** Counts the statements that this process runs from now on, and the rows that they give. */
function countStatements(): { statements(): number; rows(): number; [Symbol.dispose](): void } {
  const statement = Object.getPrototypeOf(new Database(':memory:').prepare('SELECT 1'));
  const methods = ['run', 'get', 'all'] as const;
  const former = methods.map((name) => [name, statement[name]] as const);
  let count = 0;
  let rows = 0;
  for (const [name, method] of former)
    statement[name] = function counting(this: unknown, ...values: unknown[]) {
      count += 1;
      const given = method.apply(this, values);
      rows += Array.isArray(given) ? given.length : 0;
      return given;
    };
  return {
    statements: () => count,
    rows: () => rows,
    [Symbol.dispose]() {
      for (const [name, method] of former) statement[name] = method;
    },
  };
}

test('a look runs no more SQL for thirty streams than for three', async () => {
  const few = await statementsOfTwoLooks(3);
  assert.ok(few > 0);
  assert.equal(await statementsOfTwoLooks(30), few);
});

test('the name, the place and the port of each new stream cost the same, however many there are', () => {
  const costOf = (count: number): number => {
    const directory = mkdtempSync(join(tmpdir(), 'orchestrate-names-'));
    const state = openStateStore(join(directory, 'state.db'), { create: true });
    try {
      using counted = countStatements();
      const ids = Array.from({ length: count }, (_, at) => `S${at}`);
      const names = { branchPrefix: 'orchestrate/', worktreeRoot: '/w', portBase: 4100 };
      state.ensureStreams('init', ids, names);
      return counted.statements() + counted.rows();
    } finally {
      state.close();
      rmSync(directory, { recursive: true });
    }
  };
  const [few, more, most] = [costOf(10), costOf(20), costOf(40)] as const;
  assert.ok(few > 0);
  assert.equal(most - more, 2 * (more - few));
});

/** Parts of Node that a command loaded, by name. */
async function loadedBy(rig: CliRig, args: readonly string[]): Promise<ReadonlySet<string>> {
  const note = join(rig.home, 'loaded');
  rig.write(
    join(rig.home, 'note.cjs'),
    `process.on('exit', () => require('fs').writeFileSync(process.env.NOTE, process.moduleLoadList.join('\\n')));`,
  );
  const env = { NODE_OPTIONS: `--require=${join(rig.home, 'note.cjs')}`, NOTE: note };
  assert.equal((await rig.run(args, { env })).code, 0, args.join(' '));
  return new Set(readFileSync(note, 'utf8').split('\n'));
}

test('a command that only reads the plan loads no more of Node, and none holds a library to check config.json', async () => {
  await using rig = await createCliRig();
  rig.write('plan.yaml', 'prd: {title: P}\nstreams:\n  - {id: A, name: A, tasks: [{title: T}]}\n');
  assert.equal((await rig.run(['import', 'plan.yaml'])).code, 0);
  const loaded = await loadedBy(rig, ['task', 'list']);
  const unused = ['crypto', 'readline/promises', 'http', 'worker_threads'];
  assert.deepEqual(
    unused.filter((name) => loaded.has(`NativeModule ${name}`)),
    [],
  );
  for (const verb of ['task', 'status', 'hook', 'watch']) {
    const file = new RegExp(`"?${verb}"?: ?"(${verb}-[0-9a-f]+\\.js)"`).exec(
      readFileSync(CLI_ENTRY, 'utf8'),
    )?.[1];
    const bundle = readFileSync(join(dirname(CLI_ENTRY), file ?? ''), 'latin1');
    assert.doesNotMatch(bundle, /ZodType/, verb);
  }
});
