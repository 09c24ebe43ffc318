/** What calls the user to a pane: tmux marks its window, the terminal around it shows a notification, and nobody else's pane is written to. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
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

test('a notification reaches the terminal around tmux through our summary, and no pane of an agent or a stranger', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const sequence = '\u001b]9;needed\u0007';
  const kinds: string[] = [];
  const sequenceFor = (kind: string) => {
    kinds.push(kind);
    return sequence;
  };
  assert.equal(await tmux.passThrough(sequenceFor), 0, 'nobody looks');
  const words = [
    '-u',
    '-L',
    rig.socket,
    'attach-session',
    '-t',
    rig.raw('list-sessions', '-F', '#{session_id}').trim(),
  ];
  const { TMUX: _outer, ...env } = process.env;
  const line = ['tmux', ...words].map((word) => `'${word}'`).join(' ');
  const terminal = spawn('script', ['-q', '-c', line, '/dev/null'], {
    env: { ...env, TERM: 'xterm-256color' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let shown = '';
  terminal.stdout.on('data', (chunk) => {
    shown += String(chunk);
  });
  const ended = once(terminal, 'close');
  await until('it is attached', () => rig.raw('list-clients', '-F', '#{client_tty}') !== '');
  assert.equal(await tmux.passThrough(sequenceFor), 1);
  await until('the terminal has it', () => shown.includes(sequence));
  assert.deepEqual(kinds, ['xterm-256color']);
  // One whose output is stopped takes it once it goes on; one that stays so is an error, and holds up nothing.
  const summary = rig.raw('list-panes', '-s', '-F', '#{pane_id}').trim();
  const stopped = (on: boolean) => rig.raw('send-keys', '-t', summary, on ? 'C-s' : 'C-q');
  const times = () => shown.split(sequence).length - 1;
  stopped(true);
  await assert.rejects(tmux.passThrough(sequenceFor), /EAGAIN/);
  const later = tmux.passThrough(sequenceFor);
  await until('it is tried', () => kinds.length === 3);
  stopped(false);
  assert.equal(await later, 1);
  await until('it has that too, and once', () => times() === 2);
  // In front of an agent's pane nothing is passed on.
  const launch = rig.launch('a', 1, 'exec sleep 1000');
  const { pane } = await tmux.openWindow({ key: 'a', run: 1, runDir: launch, keepOnExit: true });
  rig.raw('select-window', '-t', pane);
  assert.equal(await tmux.passThrough(sequenceFor), 0);
  assert.equal(rig.raw('show-options', '-p', '-t', pane, 'allow-passthrough').trim(), '');
  rig.raw('detach-client', '-a');
  rig.raw('detach-client', '-t', rig.raw('list-clients', '-F', '#{client_name}').trim());
  await ended;
});
