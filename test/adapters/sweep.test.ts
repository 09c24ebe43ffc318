/** What a poller's sweep removes and what it keeps, on real files, real processes and a real state. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { projectPaths, runDir, setUpNote } from '../../src/app/paths.ts';
import { createSweep, sweeper } from '../../src/poller/listeners/sweep.ts';
import { createProcesses } from '../../src/process/processes.ts';
import { IN_MEMORY } from '../../src/state/state-schema.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import { projectTag } from '../../src/tmux/names.ts';
import { WRAPPER_SCRIPT } from '../../src/worker/wrapper.ts';
import { tempDir } from '../support/foreign-store.ts';
import { until } from '../support/wait.ts';

const rigs: { end(): void }[] = [];
const children: ChildProcess[] = [];
describe('sweep', () => {
  after(() => {
    for (const child of children) child.kill('SIGKILL');
    for (const each of rigs) each.end();
  });

  const MINUTE_MS = 60_000;

  function createRig() {
    const dir = tempDir();
    const state = openStateStore(IN_MEMORY);
    rigs.push({
      end() {
        state.close();
        dir.remove();
      },
    });
    const paths = projectPaths(join(dir.path, 'project'));
    mkdirSync(paths.runsDir, { recursive: true });
    const links = join(dir.path, `orchestrate-${process.getuid?.()}`);
    mkdirSync(links, { mode: 0o700 });
    const plan = { currentInitiative: () => ({ id: 'I', name: 'I', streamIds: [] }) };
    const ports = { paths, state, plan, processes: createProcesses(), now: () => Date.now() };
    const time = { ms: 0 };
    const told: string[] = [];
    const options = { isClosed: () => false, report: (message: string) => void told.push(message) };
    return {
      dir: dir.path,
      ...{ paths, links, state, ports, time, told },
      sweep: createSweep(ports as never, { ...options, elapsedMs: () => time.ms, shared: dir.path }),
      /** A stream with runs, each with a directory; the last one is open, and `failed` failed. */
      runs(initiative: string, stream: string, count: number, failed: number | null): string {
        const names = { branchPrefix: 'orchestrate/', worktreeRoot: '/w', portBase: 4100 };
        const { key } = state.ensureStream(initiative, stream, names);
        for (let number = 1; number <= count; number++) {
          const run = {
            key,
            number,
            agentKind: 'custom',
            startedAtMs: 1,
            bootId: 'b',
            sessionId: null,
          } as const;
          assert.ok(state.openRun({ ...run, baseSha: 's', tokenHash: `${key}-${number}` }));
          mkdirSync(runDir(paths, key, number));
          writeFileSync(join(runDir(paths, key, number), 'pane.log'), 'x');
          if (number < count)
            state.endRun(key, number, {
              endedAtMs: 2,
              outcome: number === failed ? 'failed' : 'interrupted',
            });
        }
        return key;
      },
      left: (key: string): number[] =>
        readdirSync(paths.runsDir)
          .filter((name) => name.startsWith(`${key}-`))
          .map((name) => Number(name.slice(key.length + 1)))
          .sort((one, other) => one - other),
      /** A launch that nobody has claimed. */
      launch(name: string): string {
        const directory = join(paths.runsDir, name);
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        for (const file of ['launch', 'argument-3'])
          writeFileSync(join(directory, file), 'ESECRET=1\n', { mode: 0o600 });
        writeFileSync(join(directory, 'wrapper'), WRAPPER_SCRIPT);
        return directory;
      },
    };
  }

  test('runs: the open one, the last ones and the last that failed stay; of earlier initiatives only what may be looked at', async () => {
    const rig = createRig();
    const a = rig.runs('I', 'A', 9, 2);
    const old = rig.runs('EARLIER', 'Old', 6, 3);
    const live = rig.runs('EARLIER', 'Live', 4, null);
    rig.state.endRun(old, 6, { endedAtMs: 2, outcome: 'done' });
    mkdirSync(join(rig.paths.runsDir, 'setup'));
    mkdirSync(join(rig.paths.runsDir, 'nobody-7'));
    const { pid } = spawnSync('true');
    const drafts = [rig.paths.published, setUpNote(rig.paths, 'a')].map(
      (file) => `${file}.${pid}-0123abcd.tmp`,
    );
    for (const draft of drafts) writeFileSync(draft, 'half');
    assert.equal(await rig.sweep(), 3 + 4 + 3 + 2);
    assert.deepEqual(drafts.filter(existsSync), [], 'what pollers that were killed were writing');
    assert.deepEqual(rig.left(a), [2, 5, 6, 7, 8, 9]);
    assert.deepEqual(rig.left(old), [3, 6]);
    assert.deepEqual(rig.left(live), [4]);
    assert.deepEqual([existsSync(join(rig.paths.runsDir, 'setup')), rig.left('nobody')], [true, [7]]);
  });

  test('one sweep removes a bounded number, the next ones the rest', async () => {
    const rig = createRig();
    const a = rig.runs('I', 'A', 260, null);
    assert.deepEqual([await rig.sweep(), rig.left(a).length], [200, 60]);
    assert.deepEqual([await rig.sweep(), rig.left(a).length], [55, 5]);
  });

  test('a directory that cannot be looked at is told, and keeps no other from being swept', async () => {
    const rig = createRig();
    const a = rig.runs('I', 'A', 7, null);
    mkdirSync(join(rig.launch('.orchestrator-a'), 'claim'));
    rig.launch('.orchestrator-x');
    await rig.sweep();
    rig.time.ms = 11 * MINUTE_MS;
    await rig.sweep();
    assert.deepEqual(rig.left(a), [3, 4, 5, 6, 7]);
    assert.equal(existsSync(join(rig.paths.runsDir, '.orchestrator-x')), false);
    assert.match(rig.told[0] ?? '', /EISDIR/);
  });

  test('launches: only what nobody can read any more goes, and no wrapper wins it afterwards', async () => {
    const rig = createRig();
    const key = rig.runs('I', 'A', 3, null);
    const open = rig.launch(`${key}-3`);
    const ended = rig.launch(`${key}-2`);
    const unknown = rig.launch('lost-1');
    const fresh = rig.launch('.orchestrator-a');
    const old = rig.launch('.summary-b');
    utimesSync(join(old, 'launch'), 1, 1);
    const held = rig.launch('.summary-c');
    const holder = spawn('sleep', ['600']);
    children.push(holder);
    await once(holder, 'spawn');
    writeFileSync(join(held, 'claim'), `${holder.pid}\nx\n`);
    const stranger = rig.launch('.other-d');
    const launchIn = (...all: string[]): boolean[] => all.map((each) => existsSync(join(each, 'launch')));

    await rig.sweep();
    assert.deepEqual(launchIn(open, ended, unknown, fresh, old, held), [
      true,
      false,
      true,
      true,
      false,
      true,
    ]);
    assert.deepEqual(readdirSync(ended).sort(), ['claim', 'pane.log', 'wrapper']);
    rig.time.ms = 9 * MINUTE_MS;
    await rig.sweep();
    assert.deepEqual(launchIn(open, unknown, fresh, held), [true, true, true, true]);
    rig.time.ms = 11 * MINUTE_MS;
    await rig.sweep();
    assert.deepEqual(launchIn(open, unknown, fresh, held), [true, false, false, true]);
    assert.deepEqual([existsSync(fresh), existsSync(unknown)], [false, true]);
    const late = spawn('/bin/sh', ['./wrapper'], { cwd: unknown });
    assert.deepEqual(await once(late, 'exit'), [75, null]);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await rig.sweep();
    assert.deepEqual([existsSync(held), existsSync(stranger)], [false, true]);
  });

  test('links: only ours, only of projects that are gone, and none of a project whose worker lives', async () => {
    const rig = createRig();
    const link = (project: string, name = projectTag(project)): string => {
      symlinkSync(project, join(rig.links, name));
      return join(rig.links, name);
    };
    const here = link(rig.dir);
    const gone = link(join(rig.dir, 'gone'));
    const foreign = link(join(rig.dir, 'gone'), 'foreign');
    const lived = join(rig.dir, 'lived');
    const living = link(lived);
    writeFileSync(join(rig.dir, 'file'), '');
    const unseen = link(join(rig.dir, 'file', 'below'));
    const loop = link(join(rig.links, projectTag('loop')), projectTag('loop'));
    const worker = spawn('sleep', ['600'], {
      env: { ...process.env, ORCHESTRATE_MARK: `${projectTag(lived)}:run:a:1` },
    });
    children.push(worker);
    await once(worker, 'spawn');

    await rig.sweep();
    const there = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    assert.deepEqual([here, foreign, living, unseen, loop].map(there), [true, true, true, true, true]);
    assert.equal(there(gone), false);
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    await rig.sweep();
    assert.deepEqual([there(living), there(here)], [false, true]);
  });

  test('links: one that its project takes away while it is looked at is no trouble', async () => {
    const rig = createRig();
    const links = Array.from({ length: 20 }, (_, at) => join(rig.links, `link-${at}`));
    let isOver = false;
    const others = (async () => {
      while (!isOver) {
        for (const link of links) symlinkSync(rig.dir, link);
        await setImmediate();
        for (const link of links) rmSync(link);
        await setImmediate();
      }
    })();
    for (let times = 0; times < 40; times += 1) await rig.sweep();
    isOver = true;
    await others;
    assert.deepEqual(rig.told, []);
  });

  test('links: a directory of that name that belongs to another user is let be', {
    skip: process.getuid?.() === 0 ? false : 'only root can give a directory to someone else',
  }, async () => {
    const rig = createRig();
    const project = join(rig.dir, 'gone');
    symlinkSync(project, join(rig.links, projectTag(project)));
    chownSync(rig.links, 4242, 4242);
    assert.equal(await rig.sweep(), 0);
    chownSync(rig.links, 0, 0);
    assert.equal(await rig.sweep(), 1);
  });

  test('a poller sweeps beside its ticks, and goes on soon when there was more than one sweep takes', async (t) => {
    const rig = createRig();
    const a = rig.runs('I', 'A', 210, null);
    let nowMs = 0;
    t.mock.method(performance, 'now', () => nowMs);
    const { onStates, close } = sweeper(rig.ports as never, (message) => rig.told.push(message));
    onStates?.([], null as never);
    await until('it was swept', () => rig.left(a).length === 10);
    await new Promise((resolve) => setTimeout(resolve, 50));
    onStates?.([], null as never);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(rig.left(a).length, 10, 'not at each tick');
    nowMs = 2 * MINUTE_MS;
    // The last one may not have ended yet when what it took is gone: then a later tick begins the next.
    await until('it was swept again', () => {
      onStates?.([], null as never);
      return rig.left(a).length === 5;
    });
    await close?.(null);
    assert.deepEqual(rig.told, []);
  });

  test('more events than one screen holds are all there to be read', () => {
    const { state } = createRig();
    for (let n = 0; n < 300; n++)
      state.addEvent({ atMs: n, key: 'a', run: null, kind: 'warning', message: String(n) });
    assert.equal(state.events({ key: 'a' }).length, 300);
  });
});
