/** A sample of the sweep: commands are killed and failed at some of their calls, and everything holds afterwards. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { faultObstacle } from '../../scripts/sweeps/fault.ts';

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
