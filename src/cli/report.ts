/** Puts an error before the person who typed the command: one line, what to type, and JSON where it was asked for. */
import { printable } from '../core/printable.ts';
import { ERROR_NAMES, EXIT, messageOf, OrchestrateError } from '../errors.ts';

/** Where the report goes. */
export type Report = {
  readonly exitCode: number;
  readonly stderr: string;
  /** Empty unless `--json`. */
  readonly stdout: string;
};

/** The report of anything a command threw. The stack of an unexpected error is shown only when `verbose`. */
export function reportOf(
  thrown: unknown,
  look: { readonly json: boolean; readonly verbose: boolean },
): Report {
  const error = thrown instanceof OrchestrateError ? thrown : unexpected(thrown);
  const lines = [`orchestrate: error: ${oneLine(error.message)}`, `  fix: ${oneLine(error.fix)}`];
  if (error.box !== null) lines.push('', error.box);
  if (look.verbose) lines.push(...stackLines(thrown));
  const json = {
    error: { code: ERROR_NAMES[error.exitCode], message: oneLine(error.message), fix: oneLine(error.fix) },
  };
  return {
    exitCode: error.exitCode,
    stderr: `${lines.join('\n')}\n`,
    stdout: look.json ? `${JSON.stringify(json)}\n` : '',
  };
}

function unexpected(thrown: unknown): OrchestrateError {
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
