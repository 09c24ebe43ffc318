/** One command in a tmux pane on a private server that ends with it; knows nothing of what runs inside. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type Pane = {
  readonly pid: number;
  screen(): Promise<string>;
  type(text: string): Promise<void>;
  key(name: string): Promise<void>;
  /** Exit status once the command ended, else null. */
  exitCode(): Promise<number | null>;
  close(): Promise<void>;
};

/** Runs `argv` in a 120×40 pane with exactly this environment; `close` ends the server and removes its files. */
export async function openPane(
  argv: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<Pane> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'orchestrate-pane-'));
  const script = path.join(dir, 'run');
  const words = [...Object.entries(options.env).map(([name, value]) => `${name}=${value}`)]
    .map(quoted)
    .join(' ');
  const body = `#!/bin/sh\ncd ${quoted(options.cwd)} || exit 99\nexec env -i ${words} TMUX="$TMUX" TMUX_PANE="$TMUX_PANE" ${argv.map(quoted).join(' ')}\n`;
  writeFileSync(script, body, { mode: 0o700 });
  const socket = path.join(dir, `s-${randomBytes(4).toString('hex')}`);
  const tmux = async (...args: string[]): Promise<string> =>
    (await run('tmux', ['-f', '/dev/null', '-S', socket, ...args], { env: { ...options.env } })).stdout;
  await tmux(
    'new-session',
    '-d',
    '-x',
    '120',
    '-y',
    '40',
    'sleep 600',
    ';',
    'set',
    '-g',
    'remain-on-exit',
    'on',
  );
  const made = await tmux('new-window', '-P', '-F', '#{pane_id} #{pane_pid}', script);
  const [pane = '', pid = ''] = made.trim().split(' ');
  return {
    pid: Number(pid),
    screen: () => tmux('capture-pane', '-p', '-t', pane),
    type: async (text) => void (await tmux('send-keys', '-t', pane, '-l', '--', text)),
    key: async (name) => void (await tmux('send-keys', '-t', pane, name)),
    exitCode: async () => {
      const [dead, status] = (await tmux('display', '-p', '-t', pane, '#{pane_dead} #{pane_dead_status}'))
        .trim()
        .split(' ');
      return dead === '1' ? Number(status) : null;
    },
    close: async () => {
      await tmux('kill-server').catch(() => '');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Waits until `look` yields something other than null, undefined or false; throws with `what` after the deadline. */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  deadlineMs = 20_000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await sleep(50);
  }
}
