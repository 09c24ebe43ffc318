/** A tool call with a living process is life; one whose processes are all older than it is none. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { hasChildYoungerThan } from '../../src/agent/claude/session-look.ts';

const linux = process.platform === 'linux';

/** A shell with one child; resolves when the child runs. */
async function parentOfSleep(): Promise<ChildProcess> {
  const parent = spawn('sh', ['-c', 'sleep 60 & echo on; wait'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  await once(parent.stdout as NodeJS.ReadableStream, 'data');
  return parent;
}

test('a child that started since the call counts, an older one (a server of the agent) does not', async () => {
  const parent = await parentOfSleep();
  const pid = parent.pid ?? 0;
  try {
    assert.equal(hasChildYoungerThan(pid, 60_000), linux);
    // As if the call had begun three seconds after the child: only the slack of two is forgiven.
    assert.equal(hasChildYoungerThan(pid, -3_000), false);
  } finally {
    process.kill(-pid, 'SIGKILL');
    await once(parent, 'exit');
  }
  assert.equal(hasChildYoungerThan(pid, 60_000), false, 'a process that is gone has none');
});
