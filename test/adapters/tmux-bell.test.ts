/** The bell that calls a person to a pane: tmux marks its window, and nobody else's pane is written to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTmuxRig } from '../support/tmux-rig.ts';
import { until } from '../support/wait.ts';

test('a bell marks the window of a living pane of ours, and of no other', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const opened = async (key: string, script: string) =>
    (await tmux.openWindow({ key, run: 1, runDir: rig.launch(key, 1, script), keepOnExit: true })).pane;
  const ours = await opened('a', 'exec sleep 1000');
  const ended = await opened('b', 'exit 0');
  const foreign = rig.raw('new-window', '-d', '-P', '-F', '#{pane_id}', 'exec sleep 1000').trim();
  const flag = (pane: string) => rig.raw('display-message', '-p', '-t', pane, '#{window_bell_flag}').trim();
  await until(
    'b has ended',
    () => rig.raw('display-message', '-p', '-t', ended, '#{pane_dead}').trim() === '1',
  );
  for (const pane of [foreign, ended, '%999', ours]) await tmux.bell(pane);
  await until('the mark', () => flag(ours) === '1');
  assert.deepEqual([flag(foreign), flag(ended)], ['0', '0']);
  await assert.rejects(tmux.bell('status'), /not a pane/);
});
