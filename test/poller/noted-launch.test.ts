/** A launch of which not all can be written down: the agent that it started works on. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { createProjectRig, type ProjectRig } from '../support/worker-rig.ts';

/** What is written once a window is open, by the key of the stream for which that fails; later looks may note a pane again. */
const FAILURES = {
  a: "UPDATE OF pane ON runs WHEN NEW.key = 'a' AND NOT EXISTS (SELECT 1 FROM events WHERE key = 'a' AND kind = 'launched')",
  b: "UPDATE OF fresh ON streams WHEN NEW.key = 'b'",
  c: "INSERT ON events WHEN NEW.key = 'c' AND NEW.kind = 'launched'",
};

function failToNote(rig: ProjectRig): void {
  const state = new Database(join(rig.root, '.claude/orchestrator/state.db'));
  for (const [key, what] of Object.entries(FAILURES))
    state.exec(`CREATE TRIGGER "broken ${key}" BEFORE ${what} BEGIN SELECT RAISE(FAIL, 'bad disk'); END`);
  state.close();
}

test('an agent whose window is open is not ended, whatever of its launch could not be written down', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [], C: [] } });
  await rig.look();
  failToNote(rig);
  rig.onWorker(async (worker) => {
    await worker.commit(`${worker.stream}.txt`);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  const ended = await rig.start().end();
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  const starts = rig.desk.starts().map(({ stream, run }) => `${stream}${run}`);
  assert.deepEqual(starts.sort(), ['A1', 'B1', 'C1']);
  const { events } = await rig.look();
  const told = events.filter(({ kind }) => /^launch|interrupted/.test(kind));
  assert.deepEqual(told.map(({ stream, kind }) => `${stream} ${kind}`).sort(), [
    'A launch-error',
    'A launched',
    'B launch-error',
    'B launched',
    'C launch-error',
  ]);
});
