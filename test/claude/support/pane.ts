/** One command in a tmux pane on a private server that ends with it; knows nothing of what runs inside. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { until } from '../../support/wait.ts';

const run = promisify(execFile);

export type Pane = {
  readonly pid: number;
  screen(): Promise<string>;
  /** Everything written since the beginning, as bytes came. */
  output(): Promise<string>;
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
  const bytes = path.join(dir, 'bytes');
  const piped = [';', 'pipe-pane', `cat > ${quoted(bytes)}`];
  const made = await tmux('new-window', '-P', '-F', '#{pane_id} #{pane_pid}', script, ...piped);
  const [pane = '', pid = ''] = made.trim().split(' ');
  const exitCode = async (): Promise<number | null> => {
    const format = '#{pid},#{pane_dead},#{pane_dead_status},#{pane_dead_signal}';
    const [server, dead, status, signal] = (await tmux('display', '-p', '-t', pane, format))
      .trim()
      .split(',');
    if (dead !== '1') return null;
    if (status || signal) return Number(status || signal);
    // tmux 3.3a sometimes misses the signal that its child has ended: told again, it collects the status.
    process.kill(Number(server), 'SIGCHLD');
    return null;
  };
  return {
    pid: Number(pid),
    screen: () => tmux('capture-pane', '-p', '-t', pane),
    output: async () => readFileSync(bytes, 'utf8'),
    type: async (text) => void (await tmux('send-keys', '-t', pane, '-l', '--', text)),
    key: async (name) => void (await tmux('send-keys', '-t', pane, name)),
    exitCode,
    close: async () => {
      // Killed and seen dead first, so that nothing writes to the test's directories any more.
      try {
        if ((await exitCode()) === null) killIfAlive(Number(pid));
        await until('the end of the pane', async () => (await exitCode()) !== null);
      } finally {
        await tmux('kill-server');
        rmSync(dir, { recursive: true, force: true });
      }
    },
  };
}

/** Waits until all of these are on the screen. */
export async function shows(pane: Pane, ...texts: readonly string[]): Promise<void> {
  await onScreen(pane, `"${texts.join('", "')}"`, (screen) => texts.every((text) => screen.includes(text)));
}

/** Says something to Claude Code at its prompt. */
export async function enter(pane: Pane, text: string): Promise<void> {
  await pane.type(text);
  // It may stand elsewhere too: what comes next was just named by what was said last.
  const isPrompt = (line: string): boolean => line.startsWith('❯') && line.slice(1).trim().startsWith(text);
  await onScreen(pane, `"${text}" at the prompt`, (screen) => screen.split('\n').some(isPrompt));
  await pane.key('Enter');
}

async function onScreen(pane: Pane, what: string, look: (screen: string) => boolean): Promise<void> {
  await until(`${what} on the screen`, async () => look(await pane.screen())).catch(async (error: Error) =>
    assert.fail(`${error.message}; it shows\n${await pane.screen()}`),
  );
}

/** It may end by itself between a look and the signal. */
function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH')) throw thrown;
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
