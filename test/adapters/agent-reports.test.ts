/** The hooks' script run by a real shell: reports arrive whole, are believed by their token only, and never fail the agent. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { claudePaths } from '../../src/agent/claude/claude-paths.ts';
import { REPORT_SCRIPT, reportingHooks } from '../../src/agent/claude/report-script.ts';
import { createReports } from '../../src/agent/claude/reports.ts';
import { createSessionLook } from '../../src/agent/claude/session-look.ts';
import { createTranscripts } from '../../src/agent/claude/transcript.ts';
import { closedAtPrompt } from '../../src/agent/claude/turn-end.ts';
import { run } from '../support/snapshots.ts';

let root = '';
let env: Record<string, string> = {};

describe('agent reports', () => {
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), "orchestrate-re'port $(x)-"));
    mkdirSync(path.join(root, 'spool'), { mode: 0o700 });
    writeFileSync(path.join(root, 'report'), REPORT_SCRIPT);
    env = {
      PATH: '/usr/bin:/bin',
      ORCHESTRATE_REPORT: path.join(root, 'report'),
      ORCHESTRATE_SPOOL: path.join(root, 'spool'),
      ORCHESTRATE_PROJECT: root,
      ORCHESTRATE_KEY: 'stream-a',
      ORCHESTRATE_RUN: '1',
      ORCHESTRATE_TOKEN: 'secret',
    };
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** Runs the hook of an event as Claude Code does; returns its exit status and what it printed. */
  function hook(event: string, report: object | string, extra: Record<string, string> = {}) {
    const [entry] = reportingHooks()[event] ?? [];
    const { command } = (entry as { hooks: { command: string }[] }).hooks[0] ?? { command: 'exit 9' };
    const input = typeof report === 'string' ? report : JSON.stringify(report);
    const ended = spawnSync('/bin/sh', ['-c', command], {
      env: { ...env, ...extra },
      input,
      encoding: 'utf8',
    });
    return { status: ended.status, stdout: ended.stdout, stderr: ended.stderr };
  }

  /** What was reported so far was reported a second ago: files that are written one right after another may bear the same time. */
  function aSecondLater(): void {
    const spool = path.join(root, 'spool');
    for (const file of readdirSync(spool).map((name) => path.join(spool, name))) {
      const seconds = statSync(file).mtimeMs / 1_000 - 1;
      utimesSync(file, seconds, seconds);
    }
  }

  const SILENT = { status: 0, stdout: '', stderr: '' };
  const reader = () =>
    createReports(
      path.join(root, 'spool'),
      (token, key, run) => token === 'secret' && key === 'stream-a' && run === 1,
    );

  test('a report arrives whole and private, the latest of its kind, and a changed one is read again', () => {
    const reports = reader();
    assert.deepEqual(reports.of('stream-a', 1), []);
    const call = { tool_name: 'Bash', tool_input: { command: 'npm\u001b[31m test' }, session_id: 'abc' };
    assert.deepEqual(hook('PreToolUse', call), SILENT);
    aSecondLater();
    assert.deepEqual(hook('UserPromptSubmit', { prompt: 'go' }), SILENT);
    const [first, second] = reports.of('stream-a', 1);
    assert.deepEqual([first?.event, first?.sessionId], ['PreToolUse', 'abc']);
    assert.match(first?.call ?? '', /^Bash npm.* test$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is what is tested
    assert.doesNotMatch(first?.call ?? '', /\u001b/);
    assert.equal(second?.event, 'UserPromptSubmit');
    aSecondLater();
    hook('PreToolUse', { tool_name: 'Read', tool_input: { file_path: 'a.ts' } });
    assert.deepEqual(
      reports.of('stream-a', 1).map(({ event, call: what }) => [event, what]),
      [
        ['UserPromptSubmit', null],
        ['PreToolUse', 'Read a.ts'],
      ],
    );
    const names = readdirSync(path.join(root, 'spool'));
    assert.deepEqual(names.sort(), ['stream-a-1.PreToolUse.json', 'stream-a-1.UserPromptSubmit.json']);
    for (const name of names) assert.equal(statSync(path.join(root, 'spool', name)).mode & 0o777, 0o600);
  });

  test("a report without the run's own token is not believed, nor one of another run", () => {
    assert.deepEqual(hook('Stop', {}, { ORCHESTRATE_TOKEN: 'stolen' }), SILENT);
    assert.deepEqual(hook('Notification', {}, { ORCHESTRATE_RUN: '2' }), SILENT);
    const reports = reader();
    assert.deepEqual(reports.of('stream-a', 1), []);
    assert.deepEqual(reports.of('stream-a', 2), []);
    writeFileSync(path.join(root, 'spool', 'stream-a-1.Stop.json'), '{"background_tasks":[]}');
    assert.deepEqual(reports.of('stream-a', 1), []);
  });

  test('the agent goes on when the spool, the script or the whole project is gone', () => {
    rmSync(path.join(root, 'spool'), { recursive: true });
    for (const event of Object.keys(reportingHooks())) assert.deepEqual(hook(event, {}), SILENT);
    rmSync(root, { recursive: true });
    for (const event of Object.keys(reportingHooks())) assert.deepEqual(hook(event, {}), SILENT);
  });

  test('an end that the user typed is told from one that came from outside, by the last session of the run', () => {
    const ended = (reason: string): boolean => {
      hook('SessionEnd', { reason });
      return closedAtPrompt(reader().of('stream-a', 1));
    };
    assert.deepEqual(['prompt_input_exit', 'logout', 'other', 'clear', ''].map(ended), [
      true,
      true,
      false,
      false,
      false,
    ]);
    assert.equal(closedAtPrompt([]), false, 'killed: nothing was reported');
  });

  test('what the stop command answers is passed on, and its failure is not', () => {
    const orchestrate = path.join(root, '.claude', 'orchestrator', 'orchestrate');
    mkdirSync(path.dirname(orchestrate), { recursive: true });
    writeFileSync(orchestrate, '#!/bin/sh\necho "$@" in "$PWD"; echo trouble >&2; exit 3\n');
    chmodSync(orchestrate, 0o755);
    assert.deepEqual(hook('Stop', {}), { ...SILENT, stdout: `hook stop in ${root}\n` });
    assert.deepEqual(hook('SubagentStop', {}), SILENT);
    assert.equal(reader().gateTrouble('stream-a', 1), 'exit 3: trouble');
    assert.equal(reader().gateTrouble('stream-a', 2), null);
    writeFileSync(orchestrate, '#!/bin/sh\nexit 0\n');
    assert.deepEqual(hook('Stop', {}), SILENT);
    assert.equal(reader().gateTrouble('stream-a', 1), null, 'a stop that was judged is no trouble');
  });

  test('a stop that nothing could judge is told, and one that came while the store was busy is not', () => {
    assert.deepEqual(hook('Stop', {}), SILENT);
    assert.match(reader().gateTrouble('stream-a', 1) ?? '', /^exit 127: .*orchestrate.*not found/);
    const bin = path.join(root, 'bin');
    mkdirSync(bin);
    writeFileSync(path.join(bin, 'orchestrate'), '#!/bin/sh\nexit 4\n');
    chmodSync(path.join(bin, 'orchestrate'), 0o755);
    assert.deepEqual(hook('Stop', {}, { PATH: `${bin}:/usr/bin:/bin` }), SILENT);
    assert.equal(reader().gateTrouble('stream-a', 1), null);
  });

  test('an agent that rests without one report of its hooks is seen as such; one with reports, or without hooks of ours, is not', async () => {
    const at = (name: string) => path.join(root, name);
    mkdirSync(at('sessions'));
    mkdirSync(at('projects/p'), { recursive: true });
    writeFileSync(at('projects/p/s1.jsonl'), '{"type":"user","message":{"role":"user","content":"go"}}\n');
    const entry = { sessionId: 's1', status: 'idle', statusUpdatedAt: Date.now(), procStart: '7' };
    writeFileSync(at('sessions/42.json'), JSON.stringify(entry));
    const seen = async (reports: ReturnType<typeof reader> | null) => {
      const look = createSessionLook({
        paths: claudePaths({ CLAUDE_CONFIG_DIR: root }),
        transcripts: createTranscripts(at('projects')),
        reports,
        interactive: true,
        nowMs: Date.now,
      });
      const of = run('A', { key: 'stream-a', sessionId: 's1', startedAtMs: 1, claimedAtMs: 2 });
      const { status, hookTrouble } = await look(of, { pid: 42, start: '7' }, async () => '');
      return [status, hookTrouble];
    };
    assert.deepEqual(await seen(null), ['idle', null]);
    const [status, trouble] = await seen(reader());
    assert.equal(status, 'idle');
    assert.match(String(trouble), /^none of its hooks has reported anything/);
    hook('Stop', {});
    assert.match(String((await seen(reader()))[1]), /^its stop gate could not run \(exit 127: .*not found/);
    rmSync(at('spool/stream-a-1.Gate.json'));
    assert.deepEqual(await seen(reader()), ['idle', null]);
  });

  test('a report that was cut off, or is no JSON, still says that it happened; background work is read', () => {
    hook('StopFailure', '{"error":"rate_lim');
    aSecondLater();
    hook('Stop', {
      background_tasks: [
        { type: 'subagent', status: 'running', description: 'look around' },
        { type: 'shell', status: 'completed', description: 'old' },
      ],
    });
    const reports = reader().of('stream-a', 1);
    assert.deepEqual(
      reports.map(({ event, error, background }) => ({ event, error, background })),
      [
        { event: 'StopFailure', error: null, background: [] },
        { event: 'Stop', error: null, background: ['subagent (look around)'] },
      ],
    );
  });
});
