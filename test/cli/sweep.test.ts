/** A sample of the sweep: commands are killed and failed at some of their calls, and everything holds afterwards. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { faultObstacle } from '../../scripts/sweeps/fault.ts';
import { caseOf, pageOf, type Result, troubles } from '../../scripts/sweeps/results.ts';
import { differentCalls } from '../../scripts/sweeps/sweep.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

// A sample; `scripts/sweep` takes every call of every command.
test('a command that is killed or failed at a call loses nothing, and is finished by the next one', {
  skip: faultObstacle() ?? false,
}, async () => {
  const args = ['--import', 'tsx', 'scripts/sweeps/run.ts', 'kills', 'errors', '--quick', '--jobs', '2'];
  const { code, said } = await new Promise<{ code: number | null; said: string }>((resolve) => {
    const child = execFile(process.execPath, args, { cwd: ROOT }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, said: `${stdout}${stderr}` }),
    );
  });
  assert.equal(code, 0, said);
  const injected = Number(/(\d+) injections in \d+ cases, all held/.exec(said)?.[1]);
  assert.ok(injected >= 8, said);
});

test('a run of some cases takes the place of their rows alone, and what did not hold says how to do it again', () => {
  const result = (name: string, injected: number, why: readonly string[] = []): Result => ({
    sweep: 'kills',
    name,
    harm: 'kill -9 before',
    every: 7,
    calls: 20,
    seconds: 1,
    injected,
    broken: why.map((each) => ({ where: 'call 3', again: '--at 3', why: each })),
  });
  const first = [result('init, git', 2), result('start, git', 3, ['a commit is lost'])];
  const cases = new Set(['init, git', 'start, git'].map((name) => caseOf(['kills', name, 'kill -9 before'])));
  const before = pageOf(first, { commit: 'aaaa', before: '', whole: true, cases });
  assert.match(before, /^5 injections in 2 cases, 1 case did not hold\. /);
  assert.match(
    before,
    /\| kills \| start, git \| kill -9 before \| every 7th of 13 to 19 \| 3 \| \*\*no\*\*: 1 \| aaaa \|/,
  );
  const mended = [result('start, git', 4), result('stop, git', 0)];
  const after = pageOf(mended, { commit: 'bbbb', before, whole: false, cases });
  assert.match(after, /^6 injections in 2 cases, all held\. /);
  assert.deepEqual(
    after
      .split('\n')
      .slice(4)
      .map((line) => line.split(' | ').slice(1, 2).concat(line.split(' | ').slice(-3))),
    [
      ['init, git', '2', 'yes', 'aaaa |'],
      ['start, git', '4', 'yes', 'bbbb |'],
    ],
  );
  assert.equal(pageOf(mended, { commit: 'bbbb', before, whole: true, cases }).includes('init, git'), false);
  const fewer = new Set([caseOf(['kills', 'start, git', 'kill -9 before'])]);
  const left = pageOf([], { commit: 'bbbb', before, whole: false, cases: fewer });
  assert.match(left, /^3 injections in 1 cases/, 'a case that is none any more has no row');
  assert.equal(
    troubles(first),
    "start, git, kill -9 before, call 3: a commit is lost\n  again: scripts/sweep kills --case 'start, git, kill -9 before' --at 3\n",
  );
});

test('calls differ by their file and by that of the call before; names that chance gave are one', () => {
  const run = (number: number): string[] => [`/runs/${number}/claim`, `/runs/${number}/log`, '/state.db-wal'];
  const paths = ['/config.json', ...run(1), '/state.db-wal', '/state.db-wal', ...run(2), ...run(3)];
  // Of what comes again the first and the last: the three of a run, and a write after a write.
  assert.deepEqual(differentCalls(paths), [1, 2, 3, 4, 5, 6, 7, 10, 11, 12]);
  assert.deepEqual(
    differentCalls(['/a.x7Kq2Z', '/b', '/a.Qw3e4R', '/b', '/a.AAAAAA', '/b']),
    [1, 2, 3, 5, 6],
  );
  assert.deepEqual(differentCalls([]), []);
});
