/** What `status`, `status <stream>` and `start` print. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventKindOf } from '../../src/core/events.ts';
import type { Task } from '../../src/core/types.ts';
import type { ReportStream, StreamDetail } from '../../src/report/types.ts';
import { renderLanding } from '../../src/view/pages/landing-text.ts';
import { describeEvent, renderFinal } from '../../src/view/pages/progress-lines.ts';
import { renderStatus } from '../../src/view/pages/status-text.ts';
import { renderStream } from '../../src/view/pages/stream-text.ts';
import { createStyle } from '../../src/view/style.ts';
import { widthOf } from '../../src/view/text-width.ts';
import { agoIso, busyReport, counts, event, NOW_MS, report, stream } from '../support/report-builders.ts';
import { record, run } from '../support/snapshots.ts';

const PLAIN = { columns: 100, colour: false, unicode: true, nowMs: NOW_MS, root: '/p' };
const ASCII = { ...PLAIN, unicode: false };

for (const columns of [40, 80, 100, 120, 200]) {
  test(`status is one frame of ${columns} columns: who needs you first, every stream, then the last events`, () => {
    const lines = renderStatus(busyReport(), { ...PLAIN, columns });
    const text = lines.join('\n');
    const at = (start: RegExp): number => lines.findIndex((line) => start.test(line));
    for (const line of lines) assert.ok(widthOf(line) <= columns, line);
    if (columns >= 80) assert.ok(lines.length <= 23, `${lines.length} lines`);
    assert.equal(lines[0], '▲ 2 STREAMS NEED YOU');
    assert.ok(at(/^ +.*Stream-C.*wants to run: rm -rf/) < at(/^OAuth login/), 'who needs you comes first');
    assert.match(text, /orchestrate attach Stream-C$/m, 'what to type is whole');
    for (const id of 'ABCDEFZ') assert.ok(at(new RegExp(`^\\S +(Stream-)?${id} `)) > at(/38%/), id);
    assert.ok(at(/^\d\d:\d\d:\d\d /) > at(/^\S +(Stream-)?Z /), 'events come last');
  });
}

test('status breaks no word, and its columns stand still beside a long name', () => {
  const long = 'Something that takes its time to be said and goes on for a while';
  const streams = (name: string) =>
    report([
      stream('A', 'running', { name }),
      stream('B', 'running', { name: 'Short', tasks: counts(1, 2) }),
    ]);
  const rowOf = (name: string) => renderStatus(streams(name), PLAIN).find((line) => /● B /.test(line)) ?? '';
  assert.ok(rowOf(long).indexOf('running') - rowOf('x'.repeat(26)).indexOf('running') === 0, rowOf(long));
  const reason = 'word '.repeat(60).trim();
  const needs = report([stream('A', 'failed', { needsYou: true, reason, remedy: 'orchestrate retry A' })]);
  for (const columns of [40, 80, 200]) {
    const lines = renderStatus(needs, { ...PLAIN, columns });
    const until = lines.findIndex((line) => line.includes('orchestrate retry A'));
    const told = lines.slice(0, until + 1).join(' ');
    assert.equal(told.match(/\bword\b/g)?.length, 60, told);
  }
});

test('what is to be typed is whole in status, however narrow the terminal', () => {
  const remedy = 'orchestrate task update TASK-c641cd5a-6d6a-45c1 --status pending';
  const blocked = report([
    stream('A', 'blocked', { needsYou: true, reason: 'the API key is missing', remedy }),
  ]);
  for (const columns of [40, 60, 80, 200]) {
    const lines = renderStatus(blocked, { ...PLAIN, columns });
    for (const line of lines) assert.ok(widthOf(line) <= columns, line);
    const words = lines.join(' ').replace(/\s+/g, ' ');
    assert.ok(words.includes(` ${remedy} `), words);
    assert.ok(
      lines.some((line) => line.endsWith('orchestrate attach')),
      'a command that has room is on one line',
    );
  }
});

test('ids that begin alike are told apart on a narrow terminal', () => {
  const ids = ['payments-api', 'payments-pages', 'payments-worker', 'docs'];
  const reason = 'gave up after 3 attempts: agent ended (exit 3), 1 task open';
  const streams = ids.map((id) => stream(id, 'failed', { reason }));
  const lines = renderStatus(report(streams), { ...PLAIN, columns: 60 });
  const shown = lines.filter((line) => /^✗ .* failed +gave up/.test(line)).map((line) => line.split(' ')[1]);
  assert.equal(new Set(shown).size, 4, lines.join('\n'));
});

test('the name of a stream is whole beside an event, however long that is', () => {
  const events = [event(1, 1000, 'Stream-A', 'launched', 'said '.repeat(60))];
  const lines = renderStatus({ ...busyReport(), events }, { ...PLAIN, columns: 100 });
  assert.match(lines.at(-1) ?? '', /^\d\d:\d\d:\d\d {2}Stream-A {2}said /);
});

test('status has all events that are kept when they are asked for, each told once', () => {
  const events = Array.from({ length: 30 }, (_, at) => ({
    ...event(at, 1000 * (30 - at), 'Stream-A', 'launched', ''),
    message: at % 3 === 0 ? 'started' : `did ${at}`,
  }));
  const shown = (allEvents: boolean) =>
    renderStatus({ ...busyReport(), events }, { ...PLAIN, allEvents }).filter((line) =>
      /^\d\d:\d\d:/.test(line),
    );
  assert.equal(shown(true).length, 30);
  assert.ok(shown(false).length < 8);
});

test('a plan of many streams is complete, and a long one without headings', () => {
  const streams = Array.from({ length: 60 }, (_, at) => stream(`S${at}`, 'ready', { depth: at % 4 }));
  const lines = renderStatus(report(streams), PLAIN);
  for (const { id } of streams)
    assert.ok(
      lines.some((line) => line.includes(` ${id} `)),
      id,
    );
  assert.ok(!lines.some((line) => line.startsWith('Wave')));
});

const NOT_RUNNING = 'orchestrate is not running';

test('that nothing runs is said once, with what to type; so is that there is no plan, and that all is done', () => {
  const dead = { poller: { alive: false, pid: null, since: null, maxWorkers: null } };
  const said = (streams: readonly ReportStream[]): string =>
    renderStatus(report(streams, dead), PLAIN).join('\n');
  const adopted = 'its tasks were completed without a run';
  const idle = said([
    stream('A', 'ready', { reason: NOT_RUNNING, ownReason: null, remedy: 'orchestrate start' }),
    stream('B', 'verifying', { reason: `${NOT_RUNNING}; ${adopted}`, ownReason: adopted }),
  ]);
  assert.match(idle, /^▲ Not running\. Start with: orchestrate start\n/);
  assert.equal(idle.match(/not running|poller/gi)?.length, 1, idle);
  assert.match(idle, /its tasks were completed without a run/);
  assert.match(said([]), /No plan yet: .+\n↳ orchestrate generate$/);
  const done = renderStatus(
    report([stream('A', 'done', { tasks: counts(3, 3) }), stream('B', 'done')], {
      ...dead,
      summary: { ...report([]).summary, costUsd: 2.34 },
    }),
    { ...PLAIN, columns: 120 },
  );
  assert.equal(
    done[0],
    '✓ All 2 streams done in 15m, $2.34.  Review: orchestrate review  Merge: orchestrate merge  Clean up: orchestrate clean',
  );
});

const task = (id: string, status: Task['status'], rest: Partial<Task> = {}): Task => ({
  id,
  title: `Title of ${id}`,
  description: null,
  status,
  stream: 'Stream-B',
  assignedAgent: null,
  blockedReason: null,
  notes: null,
  acceptanceCriteria: [],
  createdAtMs: 0,
  updatedAtMs: 0,
  ...rest,
});

function detail(): StreamDetail {
  const sha = 'abcdef0123456789';
  return {
    stream: stream('Stream-B', 'running', {
      name: 'Auth API',
      since: agoIso(240_000),
      tasks: counts(1, 3, 1),
      dependencies: ['Stream-A'],
      baseSha: sha,
      headSha: 'f00dfeed99999999',
      run: 2,
      doing: 'Bash npm test',
      commits: 2,
      added: 10,
      removed: 3,
    }),
    at: agoIso(0),
    record: record('Stream-B', {
      base: { sha, parents: ['1111111111aa', '2222222222bb'], atMs: NOW_MS },
      runs: [
        run('Stream-B', {
          startedAtMs: NOW_MS - 600_000,
          endedAtMs: NOW_MS - 300_000,
          outcome: 'failed',
          exitCode: 1,
          reason: 'agent ended, 2 tasks open',
        }),
        run('Stream-B', {
          number: 2,
          startedAtMs: NOW_MS - 240_000,
          worker: { pid: 99, start: 's' },
          pane: '%7',
        }),
      ],
    }),
    tasks: [
      task('TASK-1', 'completed', { notes: 'no-changes: nothing to do' }),
      task('TASK-2', 'in_progress', { assignedAgent: 'me' }),
      task('TASK-3', 'blocked', { blockedReason: 'needs a key' }),
    ],
    gates: [
      {
        key: 'stream-b',
        sha,
        name: 'test',
        command: 'npm test',
        exitCode: 1,
        timedOut: false,
        log: '.claude/orchestrator/logs/gate.log',
        startedAtMs: NOW_MS - 12_000,
        endedAtMs: NOW_MS,
      },
    ],
    events: [{ id: 1, atMs: NOW_MS, key: 'stream-b', run: 1, kind: 'failed', message: 'run 1 failed' }],
    files: Array.from({ length: 45 }, (_, i) => `src/file-${i}.ts`),
    commits: [
      { sha: 'f00dfeed99999999', author: 'Ada', atMs: NOW_MS - 60_000, subject: 'Add the\u001b[31m API' },
    ],
    attach: 'orchestrate attach Stream-B',
    resume: "cd '/p/x y' && claude --resume s-1",
  };
}

test('status of one stream shows everything about it', () => {
  const text = renderStream(detail(), PLAIN).join('\n');
  assert.match(text, /^● Stream-B {2}Auth API {2}running for 4m\n/);
  assert.match(text, /Depends {3}on Stream-A/);
  assert.match(
    text,
    /Tasks .* 1\/3\n {2}✓ completed +Title of TASK-1\n +TASK-1\n +no-changes: nothing to do\n/,
  );
  assert.match(text, /● in progress Title of TASK-2\n +TASK-2 @me/);
  assert.match(text, /⊘ blocked +Title of TASK-3\n +TASK-3\n +blocked: needs a key/);
  assert.match(text, /1 {2}failed {2}from .*, 5m {2}exit 1\n {5}agent ended, 2 tasks open/);
  assert.match(text, /2 {2}open {2}from .*, 4m {2}pid 99 {2}pane %7/);
  assert.match(text, /Base {6}abcdef0123, made from 1111111111 and 2222222222/);
  assert.match(text, /Head {6}f00dfeed99/);
  assert.match(text, /src\/file-39\.ts\n {2}… 5 more files/);
  assert.match(text, /Commits\n {2}f00dfeed99 {2}Add the API {2}Ada, /);
  assert.match(text, /✗ test {2}exit 1 after 12s {2}on abcdef0123 .*gate\.log/);
  assert.match(text, /run 1 failed/);
  assert.match(
    text,
    /attach {3}orchestrate attach Stream-B\n {2}logs {5}orchestrate logs Stream-B\n {2}resume {3}cd '\/p\/x y' && claude --resume s-1$/,
  );
});

test('a task is being done only while somebody works on it, and a base that is a commit of a dependency was not made', () => {
  const { stream: running, record: kept, ...rest } = detail();
  const base = { sha: 'abcdef0123456789', parents: ['abcdef0123456789'], atMs: NOW_MS };
  const text = (state: 'running' | 'parked') =>
    renderStream(
      {
        ...rest,
        stream: { ...running, state, doing: null, currentTask: 'Write it' },
        record: kept === null ? null : { ...kept, base },
      },
      PLAIN,
    ).join('\n');
  assert.match(text('running'), /^Doing {5}Write it$/m);
  assert.doesNotMatch(text('parked'), /Write it/);
  assert.match(text('parked'), /^Base {6}abcdef0123$/m);
});

test('a stream that was never touched is shown without empty sections', () => {
  const untouched = {
    ...detail(),
    record: null,
    tasks: [],
    gates: [],
    events: [],
    files: [],
    commits: [],
    attach: null,
    resume: null,
  };
  const lines = renderStream(
    { ...untouched, stream: stream('A', 'waiting', { branch: null, worktree: null }) },
    PLAIN,
  );
  assert.deepEqual(lines, ['○ A  waiting']);
});

test('a page of one stream breaks no word and goes over no edge, at any width', () => {
  const long = 'words that take their time to be said '.repeat(6).trim();
  const base = detail();
  const failed = `it failed, see /p/logs/x.log: ${long}`;
  const whole = {
    ...base,
    stream: { ...base.stream, name: long, reason: failed, ownReason: failed },
    tasks: [task('TASK-8dd6580c-1111', 'blocked', { title: long, notes: long, blockedReason: long })],
    commits: base.commits.map((commit) => ({ ...commit, subject: long })),
    events: [{ id: 1, atMs: NOW_MS, key: 'stream-b', run: 1, kind: 'failed' as const, message: long }],
  };
  for (const columns of [40, 80, 200]) {
    const lines = renderStream(whole, { ...PLAIN, columns });
    const commands = lines.slice(lines.indexOf('Commands'));
    for (const line of lines.slice(0, -commands.length)) assert.ok(widthOf(line) <= columns, line);
    const words = lines.join(' ').replace(/\s+/g, ' ');
    assert.equal(words.split('take their time').length - 1, 8 * 6 - 6, `${columns}`);
    assert.ok(words.includes('see logs/x.log'), 'paths below the root are short');
    assert.ok(words.includes('TASK-8dd6580c-1111'));
  }
});

test('hostile texts lose their escapes and their line breaks everywhere', () => {
  const evil = 'x\u001b[2J\u0007\u202ey\nz';
  const base = detail();
  const lines = [
    ...renderStream(
      {
        ...base,
        stream: stream(evil, 'failed', { name: evil, reason: evil, remedy: evil, doing: evil, branch: evil }),
        tasks: [
          task(evil, 'blocked', { title: evil, notes: evil, blockedReason: evil, assignedAgent: evil }),
        ],
        files: [evil],
        events: [{ id: 1, atMs: NOW_MS, key: null, run: null, kind: eventKindOf(evil), message: evil }],
        resume: evil,
      },
      PLAIN,
    ),
    ...renderStatus(
      report([stream(evil, 'failed', { needsYou: true, reason: evil })], { warnings: [evil] }),
      PLAIN,
    ),
    ...renderFinal(report([stream(evil, 'failed', { reason: evil, remedy: evil })]), PLAIN),
    describeEvent(
      { id: 1, atMs: NOW_MS, key: evil, run: null, kind: eventKindOf(evil), message: evil },
      { ...PLAIN, streamOf: () => null },
    ),
  ];
  for (const line of lines) assert.doesNotMatch(line, /[\p{Cc}\u202e]/u);
});

test('an event is one line: time, stream, symbol and word, message', () => {
  const event = {
    id: 1,
    atMs: NOW_MS,
    key: 'stream-b',
    run: 1,
    kind: 'done' as const,
    message: 'verified at a1b2c3d',
  };
  const options = { ...PLAIN, columns: null, streamOf: () => 'Stream-B' };
  assert.match(describeEvent(event, options), /^\d\d:\d\d:\d\d {2}Stream-B +✓ done +verified at a1b2c3d$/);
  assert.match(describeEvent({ ...event, kind: 'gate' }, options), /Stream-B +· gate +verified/);
  assert.match(describeEvent({ ...event, key: null }, options), /^\d\d:\d\d:\d\d {16}✓ done/);
  const unknown = describeEvent({ ...event, kind: eventKindOf('of another version') }, options);
  assert.match(unknown, /Stream-B +· of another version +verified/);
  const cut = describeEvent({ ...event, message: 'm'.repeat(200) }, { ...options, columns: 60 });
  assert.equal(cut.length, 60);
  assert.ok(cut.endsWith('m…'));
});

test('the closing summary shows the structure with results and how to review', () => {
  const lines = renderFinal(
    report([
      stream('A', 'done', {
        name: 'Foundation',
        tasks: counts(3, 3),
        commits: 2,
        added: 9,
        removed: 1,
        verifiedSha: 'a1b2c3d4e5f6',
      }),
      stream('B', 'done', { depth: 1, dependencies: ['A'], tasks: counts(1, 1) }),
    ]),
    PLAIN,
  );
  assert.deepEqual(lines, [
    '✓ All 2 streams done in 15m.',
    '  Review: orchestrate review',
    '  Merge: orchestrate merge',
    '  Clean up: orchestrate clean',
    '',
    'Wave 1',
    '  ✓ A (Foundation)  done  3/3 tasks  2c +9 −1  a1b2c3d4e5',
    '',
    'Wave 2',
    '  ✓ B ← A  done  1/1 task',
  ]);
});

test('the closing summary of an unfinished plan names reason, remedy, log and worker of each open stream', () => {
  const text = renderFinal(
    report([
      stream('A', 'failed', { reason: 'exit 1', remedy: 'orchestrate retry A', run: 3 }),
      stream('-x', 'needs-input', {
        reason: 'permission',
        remedy: 'orchestrate attach -- -x',
        pane: '%3',
        run: 1,
      }),
      stream('B', 'waiting', { depth: 1, dependencies: ['A'] }),
    ]),
    PLAIN,
  ).join('\n');
  assert.match(text, /^0 of 3 streams done in 15m; 3 not\.\n/);
  assert.match(text, /✗ A {2}failed {2}0\/3 tasks\n {6}exit 1\n {6}↳ orchestrate retry A\n/);
  assert.match(text, /Read: {5}orchestrate logs A\n/);
  assert.match(text, /Watch: {4}orchestrate attach -- -x\n/);
  assert.match(text, /Go on: {4}orchestrate start$/);
});

test('the closing summary offers no start that would change nothing', () => {
  const remedy = 'orchestrate retry A';
  const lines = renderFinal(
    report([
      stream('A', 'failed', { reason: 'exit 1', remedy, run: 3 }),
      stream('B', 'blocked', { reason: 'blocked by A (failed)', remedy, depth: 1, dependencies: ['A'] }),
    ]),
    PLAIN,
  );
  assert.deepEqual(lines.slice(-3), [
    'Next',
    '  Read:     orchestrate logs A',
    '  Fix:      orchestrate retry A',
  ]);
});

test('without unicode every page is plain ASCII', () => {
  const pages = [
    ...renderStatus(busyReport(), ASCII),
    ...renderStream({ ...detail(), stream: stream('日本語', 'running', { name: 'Größe' }) }, ASCII),
    ...renderFinal(busyReport(), ASCII),
  ];
  for (const line of pages) assert.match(line, /^[\x20-\x7e]*$/);
  assert.ok(pages.some((line) => line.includes('Gro?e')));
});

test('what does not land is told once why, with what to type', () => {
  const none = {
    landed: [],
    contained: [],
    clashes: [],
    rejected: [],
    waiting: [],
    refusal: null,
    next: null,
  };
  const notDone = [
    { stream: 'A', state: 'parked', reason: 'parked by you', remedy: 'orchestrate retry A' },
    { stream: 'B', state: 'failed', reason: 'gave up after 2 attempts', remedy: 'orchestrate retry B' },
    { stream: 'C', state: 'running', reason: null, remedy: null },
  ];
  const lines = renderLanding(
    {
      ...none,
      notDone,
      schemaVersion: 1,
      branch: 'main',
      strategy: 'merge',
      dryRun: true,
      from: '1'.repeat(40),
      to: '1'.repeat(40),
      gates: { status: 'none', names: [], as: null },
    },
    createStyle(PLAIN),
  );
  assert.deepEqual(lines, [
    'Nothing would land on main.',
    '  . A  parked by you',
    '      ↳ orchestrate retry A',
    '  . B  failed: gave up after 2 attempts',
    '      ↳ orchestrate retry B',
    '  . C  running',
  ]);
});
