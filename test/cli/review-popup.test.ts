/** Reviewing inside tmux: the user's program is shown in a popup, and what it prints becomes work of the agent. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { createLandingWorld } from '../support/landing-world.ts';
import { openClient, openTerminal } from '../support/tmux-client.ts';
import { until } from '../support/wait.ts';

test('review.command is opened in a popup where the terminal is in tmux, and in the terminal where none is to be had', async () => {
  await using world = await createLandingWorld({ A: [] });
  const { rig } = world;
  await world.finish('A', (at) => writeFileSync(join(at, "it's.txt"), 'a'));
  const see =
    'printf "seen %s\\n" "$(git diff --name-only "$ORCHESTRATE_BASE_SHA")" > /dev/tty; read answer < /dev/tty';
  rig.configure({ review: { command: `${see}; echo "note $answer"` } });
  rig.tmux('new-session', '-d', '-s', 'mine', '-x', '100', '-y', '30', '-c', rig.root, 'sh');
  using client = openClient(
    ['-L', rig.cli.socket, 'attach-session', '-t', 'mine'],
    { columns: 100, rows: 30 },
    rig.cli.env,
  );
  await client.sees(/0:sh/);
  const review = `'${process.execPath}' '${CLI_ENTRY}' review A`;
  client.type(`${review}; clear; echo first is "ov"er\n`);
  await client.sees(/┌─[\s\S]*│seen it's\.txt/);
  client.type('by hand\n');
  await client.sees(/first is over/);
  const given = () => world.ports.state.allRecords().readable.get(world.keyOf('A'))?.assignment?.notes;
  assert.equal(given(), 'note by hand');

  // Nobody is attached to the tmux of this terminal, so that there is none to be had.
  using terminal = openTerminal(
    [process.execPath, CLI_ENTRY, 'review', 'A'],
    { columns: 80, rows: 20 },
    rig.cli.env,
    rig.root,
  );
  await terminal.sees(/^seen it's\.txt/m);
  terminal.type('again\n');
  await until('the notes are given', () => given() === 'note by hand\n\nnote again');
});
