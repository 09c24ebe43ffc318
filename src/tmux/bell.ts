/** Rings the bell of a pane of ours, by which tmux marks its window for whoever does not look at it. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { Client } from './client.ts';
import { checkPane, projectTag } from './names.ts';

/**
 * Writes BEL to the pane's terminal, as a program in it would. A pane that is gone, dead or not ours is left alone. Throws
 * what the system says of a terminal that can't be written to.
 */
export async function ringBell(client: Client, root: string, pane: string): Promise<void> {
  const format = '#{pane_dead}|#{@orchestrate_project}|#{pane_tty}';
  const reply = await client.run(['display-message', '-p', '-t', checkPane(pane), format]);
  if (reply.status !== 'ok') return;
  const [dead, project, tty = ''] = reply.text.trimEnd().split('|');
  if (dead === '1' || project !== projectTag(root) || !tty.startsWith('/dev/')) return;
  writeToTerminal(tty, '\u0007');
}

/** Writes as a program in the pane would: never as our own terminal, and without waiting for one that takes nothing. */
export function writeToTerminal(tty: string, text: string): void {
  const handle = openSync(tty, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  try {
    writeSync(handle, text);
  } finally {
    closeSync(handle);
  }
}
