/** Puts an error before the user who typed the command: one line, what to type, and JSON where it was asked for. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ERROR_NAMES, EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { isCommand, shellWord } from '../core/shell-word.ts';

/** Where the report goes. */
export type ErrorReport = {
  readonly exitCode: number;
  readonly stderr: string;
  /** Empty unless `--json`. */
  readonly stdout: string;
};

/**
 * The report of anything a command threw. The stack of an unexpected error is shown only when `verbose`; `directory` is where
 * `-C` had the command act, as it was typed.
 */
export function errorReportOf(
  thrown: unknown,
  look: { readonly json: boolean; readonly verbose: boolean; readonly directory?: string | null },
): ErrorReport {
  const error = thrown instanceof OrchestrateError ? thrown : unexpected(thrown);
  const fix = oneLine(typedFor(look.directory ?? null, error.fix));
  const lines = [`orchestrate: error: ${oneLine(error.message)}`, `  fix: ${fix}`];
  if (error.box !== null) lines.push('', error.box);
  if (look.verbose) lines.push(...stackLines(thrown));
  const json = {
    error: { code: ERROR_NAMES[error.exitCode], message: oneLine(error.message), fix },
  };
  return {
    exitCode: error.exitCode,
    stderr: `${lines.join('\n')}\n`,
    stdout: look.json ? `${JSON.stringify(json)}\n` : '',
  };
}

/** What is to be typed, by a user who is still in another directory than the command was: there it would act elsewhere. */
function typedFor(directory: string | null, fix: string): string {
  if (directory === null || !isCommand(fix)) return fix;
  const word = shellWord(directory.startsWith('-') ? `./${directory}` : directory);
  const [program = '', ...rest] = fix.split(' ');
  return program === 'orchestrate' && !rest.includes('&&')
    ? [program, '-C', word, ...rest].join(' ')
    : `cd ${word} && ${fix}`;
}

/** True where both directories are in one checkout: what is typed in the one acts as it would in the other. */
export function inOneCheckout(one: string, other: string): boolean {
  const top = checkoutAround(one);
  return top !== null && top === checkoutAround(other);
}

function checkoutAround(directory: string): string | null {
  if (existsSync(join(directory, '.git'))) return directory;
  const parent = dirname(directory);
  return parent === directory ? null : checkoutAround(parent);
}

/** What the system refuses, by its error code: a matter of the machine, whichever line of ours met it. */
const SYSTEM_FIXES: Readonly<Record<string, string>> = {
  EMFILE: 'ulimit -n 4096',
  ENFILE: 'close some programs, then run it again: the system has no more open files to give',
  ENOSPC: 'free some disk space, then run it again',
  EDQUOT: 'free some disk space, then run it again',
  EIO: 'check the disk, then run it again',
  ESTALE: 'mount that file system again, then run it again',
  EFBIG: 'ulimit -f unlimited',
  EROFS: 'make the file system writable, then run it again',
  EACCES: 'make that path readable and writable for this user, then run it again',
  EPERM: 'make that path readable and writable for this user, then run it again',
  EAGAIN: 'raise the limit on processes, or end some, then run it again',
  ENOMEM: 'end some programs, then run it again',
};

/** What mends it; undefined where the machine is not the cause. */
function systemFix(error: NodeJS.ErrnoException): string | undefined {
  // Node tells whatever keeps it from making a directory and those above it (a bad disk, say) as a directory that is not there:
  // mkdir makes it, or says what is in the way.
  if (error.code === 'ENOENT' && error.syscall === 'mkdir' && error.path !== undefined)
    return `mkdir -p ${shellWord(error.path)}`;
  return SYSTEM_FIXES[error.code ?? ''];
}

function unexpected(thrown: unknown): OrchestrateError {
  const fix = thrown instanceof Error ? systemFix(thrown) : undefined;
  if (fix !== undefined)
    return new OrchestrateError(EXIT.environment, messageOf(thrown), fix, { cause: thrown });
  return new OrchestrateError(
    EXIT.unfinished,
    `unexpected: ${messageOf(thrown) || 'no message'}`,
    'run it again with --verbose and report what it prints',
    { cause: thrown },
  );
}

function stackLines(thrown: unknown): string[] {
  const lines: string[] = [];
  for (let error = thrown; error instanceof Error; error = error.cause)
    lines.push(error.stack ?? error.message);
  return lines;
}

/** Messages quote what a plan, a repository or a worker named: nothing of it may act on the terminal. */
function oneLine(text: string): string {
  return printable(text).trim();
}
