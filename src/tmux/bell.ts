/** Rings the bell of a pane of ours, by which tmux marks its window for whoever does not look at it. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import { checkPane, projectTag } from './names.ts';

/**
 * Writes BEL to the pane's terminal, as a program in it would. A pane that is gone, dead or not ours is left alone. Throws
 * what the system says of a terminal that cannot be written to.
 */
export async function ringBell(client: Client, root: string, pane: string): Promise<void> {
  const format = '#{pane_dead}|#{@orchestrate_project}|#{pane_tty}';
  const reply = await client.run(['display-message', '-p', '-t', checkPane(pane), format]);
  if (reply.status !== 'ok') return;
  const [dead, project, tty = ''] = reply.text.trimEnd().split('|');
  if (dead === '1' || project !== projectTag(root) || !tty.startsWith('/dev/')) return;
  await writeToTerminal(tty, '\u0007');
}

/** How long a terminal may take nothing: its output was stopped (Ctrl-S), or tmux is behind. */
const PATIENCE_MS = 1_000;
const PAUSE_MS = 20;

/**
 * Writes as a program in the pane would, and never as our own terminal. One that takes nothing for the moment is tried again, so
 * that no half of a sequence stays there. Throws what the system says of one that cannot be written to, or not in time.
 */
export async function writeToTerminal(tty: string, text: string): Promise<void> {
  const handle = openSync(tty, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  try {
    let rest = Buffer.from(text);
    for (const endMs = performance.now() + PATIENCE_MS; ; await sleep(PAUSE_MS)) {
      rest = rest.subarray(taken(handle, rest, performance.now() >= endMs));
      if (rest.length === 0) return;
    }
  } finally {
    closeSync(handle);
  }
}

/** How many bytes the terminal took; none, unless it is the `last` try, where it takes nothing for the moment. */
function taken(handle: number, bytes: Uint8Array, last: boolean): number {
  try {
    return writeSync(handle, bytes);
  } catch (error) {
    if (last || !(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    return 0;
  }
}
