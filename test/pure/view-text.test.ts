/** What `status`, `status <stream>` and `start` print. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventKindOf } from '../../src/core/events.ts';
import type { Task } from '../../src/core/types.ts';
import type { ReportStream, StreamDetail } from '../../src/report/types.ts';
import { describeEvent, renderFinal } from '../../src/view/pages/progress-lines.ts';
import { renderStatus } from '../../src/view/pages/status-text.ts';
import { renderStream } from '../../src/view/pages/stream-text.ts';
import { agoIso, busyReport, counts, NOW_MS, report, stream } from '../support/report-builders.ts';
import { record, run } from '../support/snapshots.ts';

const PLAIN = { columns: 100, colour: false, unicode: true, nowMs: NOW_MS };
const ASCII = { ...PLAIN, unicode: false };

test('status shows blocks by depth with bars, counts, states, pids and what is blocked by whom', () => {
  const text = renderStatus(busyReport(), PLAIN).join('\n');
  assert.match(text, /^OAuth login\nProgress {2}.* 38% {2}1 of 7 streams done, 7 of 18 tasks completed\n/);
  assert.match(text, /Time {6}15m so far, about 11m left/);
  assert.match(text, /Critical {2}Stream-B → Stream-Z \(5 open tasks\)/);
  assert.match(text, /Poller {4}running, pid 4711, at most 5 workers, for 15m/);
  assert.match(
    text,
    /Needs you \(2\)\n {2}▲ Stream-C {2}needs-input for 7m\n {6}wants to run: .*\n {6}↳ orchestrate attach Stream-C\n/,
  );
  assert.match(text, /Depth 0 \(independent\)\n {2}✓ Stream-A Foundation/);
  assert.match(text, /Depth 1\n {2}● Stream-B Auth API +━━━─{7} +1\/4 running +4m {2}pid 48211/);
  assert.match(
    text,
    /⊘ Stream-F .*blocked\n.*← Stream-D · waits for Stream-D \(failed\)\n {6}↳ orchestrate retry Stream-D/,
  );
  assert.match(text, /waits for Stream-B \(running\), Stream-C \(needs-input\)/);
});

test('a worker that ended reads finished when its stream is done, else stopped', () => {
  const text = renderStatus(
    report([
      stream('A', 'done', { run: 1 }),
      stream('B', 'stopped', { run: 2, since: agoIso(1000) }),
      stream('C', 'done'),
    ]),
    PLAIN,
  ).join('\n');
  assert.match(text, /✓ A .* finished/);
  assert.match(text, /■ B .* worker stopped/);
  assert.match(text, /✓ C .* adopted/);
});

test('status never cuts a name, a reason or a command', () => {
  const long = 'word '.repeat(60).trim();
  const remedy = `orchestrate retry '${'x'.repeat(150)}'`;
  const text = renderStatus(
    report([
      stream('I'.repeat(90), 'failed', { needsYou: true, reason: long, remedy, name: 'N'.repeat(90) }),
    ]),
    { ...PLAIN, columns: 40 },
  );
  assert.ok(text.some((line) => line.includes('I'.repeat(90)) && line.includes('N'.repeat(90))));
  assert.ok(text.some((line) => line.endsWith(remedy)));
  assert.equal(text.join(' ').split('word').length - 1, 60);
});

test('without a poller status says what to type while something is open; an empty plan and a finished one too', () => {
  const dead = { poller: { alive: false, pid: null, since: null, maxWorkers: null } };
  const said = (streams: readonly ReportStream[]): string =>
    renderStatus(report(streams, dead), PLAIN).join('\n');
  assert.match(said([stream('A', 'ready')]), /Poller {4}not running: orchestrate start/);
  const empty = said([]);
  assert.match(empty, /Poller {4}not running$/m);
  assert.match(empty, /No streams\n {2}There is no plan yet\.\n {2}↳ orchestrate import PLAN/);
  const done = said([stream('A', 'done', { tasks: counts(3, 3) })]);
  assert.match(done, /Time {6}15m in all\nPoller {4}not running\n/);
  assert.match(done, /Next\n {2}Look at what was made\.\n {2}↳ git log --graph/);
});

const task = (id: string, status: Task['status'], rest: Partial<Task> = {}): Task => ({
  id,
  prdId: null,
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
          reason: 'the worker ended with 2 tasks open',
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
    /Tasks .* 1\/3\n {2}✓ completed +Title of TASK-1 {2}TASK-1\n +no-changes: nothing to do\n/,
  );
  assert.match(text, /● in progress Title of TASK-2 {2}TASK-2 @me/);
  assert.match(text, /⊘ blocked +Title of TASK-3 .*\n +blocked: needs a key/);
  assert.match(text, /1 {2}failed {2}from .*, 5m {2}exit 1\n {5}the worker ended with 2 tasks open/);
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
    'All 2 streams are done in 15m.',
    '',
    'Depth 0 (independent)',
    '  ✓ A (Foundation)  done  3/3 tasks  2c +9 −1  a1b2c3d4e5',
    '',
    'Depth 1',
    '  ✓ B ← A  done  1/1 task',
    '',
    'Next',
    "  review  git log --graph --oneline --branches='orchestrate/*'",
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
  assert.match(text, /read {4}orchestrate logs A\n/);
  assert.match(text, /watch {3}orchestrate attach -- -x\n/);
  assert.match(text, /go on {3}orchestrate start$/);
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
    '  read    orchestrate logs A',
    '  mend    orchestrate retry A',
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
