/** Runs a command of the user's own configuration at their terminal: a pager, a program to review with; keeps what it prints, when that is asked for. */
import { spawn } from 'node:child_process';
import { notStarted } from './run.ts';

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
