/** The user in front of tmux: a real client on a terminal of a given size, which is a pane of another private server. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './wait.ts';

export type Size = { readonly columns: number; readonly rows: number };

export type TmuxClient = Disposable & {
  /** What the user sees, status line and borders too; with colours as escapes when asked. */
  screen(options?: { readonly colours?: boolean }): string;
  /** Waits until the screen matches. */
  sees(pattern: RegExp): Promise<string>;
  /** Presses keys by tmux's names for them. */
  press(...keys: readonly string[]): void;
  /** Types text as text. */
  type(text: string): void;
  resize(size: Size): void;
};

/** `args`: words behind `tmux` that attach, with the server's socket; `env`: the terminal's environment. */
export function openClient(
  args: readonly string[],
  size: Size,
  env: Readonly<Record<string, string | undefined>> = process.env,
): TmuxClient {
  return openTerminal(['tmux', '-u', ...args], size, env);
}

/** A terminal of this size with a command in it; the terminal goes when the command ends. */
export function openTerminal(
  argv: readonly string[],
  size: Size,
  env: Readonly<Record<string, string | undefined>>,
  cwd?: string,
): TmuxClient {
  const socket = `orchestrate-test-person-${randomBytes(6).toString('hex')}`;
  const { TMUX: _outer, TMUX_PANE: _pane, ...clean } = env;
  const outer = (...words: string[]): string =>
    execFileSync('tmux', ['-u', '-f', '/dev/null', '-L', socket, ...words], {
      env: clean,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      ...(cwd === undefined ? {} : { cwd }),
    });
  const geometry = ['-x', String(size.columns), '-y', String(size.rows)];
  const setUp = [
    'set-option -g status off',
    'set-option -g escape-time 0',
    'set-option -g default-terminal screen-256color',
  ].flatMap((line) => [...line.split(' '), ';']);
  outer('start-server', ';', ...setUp, 'new-session', '-d', ...geometry, ...argv);
  const screen: TmuxClient['screen'] = (options = {}) =>
    outer('capture-pane', '-p', ...(options.colours === true ? ['-e'] : []), '-t', ':');
  return {
    screen,
    sees: (pattern) =>
      until(`${pattern} on the screen`, () => {
        const shown = screen();
        return pattern.test(shown) ? shown : null;
      }).catch((error: Error) => assert.fail(`${error.message}; it shows\n${screen()}`)),
    press: (...keys) => void outer('send-keys', '-t', ':', ...keys),
    type: (text) => void outer('send-keys', '-t', ':', '-l', '--', text),
    resize: ({ columns, rows }) =>
      void outer('resize-window', '-t', ':', '-x', String(columns), '-y', String(rows)),
    [Symbol.dispose]: () => {
      spawnSync('tmux', ['-L', socket, 'kill-server'], { env: clean, stdio: 'ignore' });
      rmSync(join(clean['TMUX_TMPDIR'] ?? '/tmp', `tmux-${process.getuid?.() ?? 0}`, socket), {
        force: true,
      });
    },
  };
}
