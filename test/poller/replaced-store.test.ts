/** What a poller makes of a plan store whose file is replaced under it, as by a restored backup. */
import assert from 'node:assert/strict';
import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { openCopilotDatabase } from '../../src/task-copilot/store-schema.ts';
import { createProjectRig, streamOf } from '../support/worker-rig.ts';

test('a worker that reports to the file that is there now has done its work', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  const restored: string[] = [];
  rig.onWorker(async (worker) => {
    if (worker.stream === 'A') {
      const { path } = rig.store;
      // All that was committed is in the copy, none of it in a log beside it.
      const before = openCopilotDatabase(path, { create: false });
      before.pragma('wal_checkpoint(TRUNCATE)');
      copyFileSync(path, `${path}.restored`);
      before.close();
      for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
      renameSync(`${path}.restored`, path);
      restored.push(path);
    }
    await worker.sh('echo work > work-$ORCHESTRATE_KEY.txt && git add . && git commit -qm Work');
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  const { code, stdout } = await rig.start().end();
  assert.equal(restored.length, 1);
  assert.equal(code, 0, stdout);
  const report = await rig.look();
  assert.deepEqual(
    ['A', 'B'].map((id) => [streamOf(report, id).state, streamOf(report, id).run]),
    [
      ['done', 1],
      ['done', 1],
    ],
  );
});
