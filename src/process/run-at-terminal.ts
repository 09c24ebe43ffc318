/** Runs a command of the user's own configuration at their terminal: a pager, a program to review with, in a popup where that terminal is in tmux; keeps what it prints, when that is asked for. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shellWord } from '../core/shell-word.ts';
import { readPartIfPresent } from '../files/present.ts';
import { notStarted, run } from './run.ts';

export type TerminalRequest = {
  readonly command: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Its stdin; the terminal when left out. */
  readonly input?: string;
  /** Most bytes of its stdout that are kept; null: it prints to the terminal. */
  readonly keep: number | null;
};

/** How it ended (a signal as shells give it), and what it printed; `isCut`: there was more than was to be kept. */
export type TerminalResult = { readonly exitCode: number; readonly output: string; readonly isCut: boolean };

const ENDED_BY_SIGNAL = 128;

/** Runs `sh -c command` in the foreground. Ctrl-C is the command's while it runs. */
export function runAtTerminal({ command, cwd, env, input, keep }: TerminalRequest): Promise<TerminalResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command], {
      cwd,
      env,
      stdio: [input === undefined ? 'inherit' : 'pipe', keep === null ? 'inherit' : 'pipe', 'inherit'],
    });
    const ignore = (): void => undefined;
    process.on('SIGINT', ignore);
    const pieces: Buffer[] = [];
    let room = keep ?? 0;
    child.stdout?.on('data', (piece: Buffer) => {
      pieces.push(piece.subarray(0, Math.max(0, room)));
      room -= piece.length;
    });
    // A pager that is left before the end closes the pipe: no failure of ours.
    child.stdin?.on('error', ignore);
    child.stdin?.end(input);
    child.once('error', (error) => {
      process.off('SIGINT', ignore);
      reject(notStarted(error, '/bin/sh', cwd));
    });
    child.once('close', (code) => {
      process.off('SIGINT', ignore);
      const output = Buffer.concat(pieces).toString('utf8');
      resolve({ exitCode: code ?? ENDED_BY_SIGNAL, output, isCut: room < 0 });
    });
  });
}

/**
 * Gives this process's terminal to a program: it stays in our process group, and takes as long as the user likes. Resolves to
 * its exit code.
 */
export function handTerminal(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env, stdio: 'inherit' });
    child.once('error', (error) => reject(notStarted(error, file, process.cwd())));
    child.once('exit', (exitCode) => resolve(exitCode ?? 1));
  });
}

/**
 * `runAtTerminal` in a popup over the tmux client that looks at this terminal, which `env` names; null where none was to be had (another
 * popup or a menu is open, nobody is attached). Command and environment travel by a private file, and so does what it prints.
 */
export async function runInPopup({
  command,
  cwd,
  env,
  keep,
}: Omit<TerminalRequest, 'input' | 'keep'> & { readonly keep: number }): Promise<TerminalResult | null> {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-popup-'));
  const [script, started, printed, code] = ['script', 'started', 'printed', 'code'].map((name) =>
    join(directory, name),
  ) as [string, string, string, string];
  // The pane is the popup's own there, and so is the kind of its terminal.
  const { TMUX_PANE: _pane, TERM: _term, ...given } = env;
  const variables = Object.entries(given).filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  const lines = [
    'umask 077',
    ...variables.map(([name, value]) => `export ${name}=${shellWord(value ?? '')}`),
    `cd ${shellWord(cwd)} || exit`,
    `: > ${shellWord(started)}`,
    `/bin/sh -c ${shellWord(command)} > ${shellWord(printed)}`,
    `echo "$?" > ${shellWord(code)}`,
  ];
  try {
    writeFileSync(script, `${lines.join('\n')}\n`, { mode: 0o600 });
    const args = ['display-popup', '-E', '-w', '90%', '-h', '90%', `exec /bin/sh ${shellWord(script)}`];
    await run({ file: 'tmux', args, cwd, env, timeLimitMs: null });
    if (!existsSync(started)) return null;
    // Closed before its program had ended.
    const exitCode = existsSync(code) ? Number(readFileSync(code, 'utf8')) : ENDED_BY_SIGNAL;
    return {
      exitCode,
      output: readPartIfPresent(printed, 0, keep) ?? '',
      isCut: statSync(printed).size > keep,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
