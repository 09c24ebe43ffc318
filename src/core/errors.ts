/** The one error type that reaches a user: what went wrong, what to type, and the exit code it ends with. */

/** Exit codes of every command. */
export const EXIT = {
  ok: 0,
  unfinished: 1,
  usage: 2,
  environment: 3,
  busy: 4,
  refused: 5,
  state: 6,
  input: 7,
  lostClaim: 75,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Stable name of each exit code in `--json` errors. */
export const ERROR_NAMES: Readonly<Record<ExitCode, string>> = {
  0: 'ok',
  1: 'unfinished',
  2: 'usage',
  3: 'environment',
  4: 'busy',
  5: 'refused',
  6: 'state',
  7: 'input',
  75: 'lost-claim',
};

/**
 * A problem a user can act on. Printed as `orchestrate: error: <message>` and `  fix: <fix>`; `box` (from the seed's
 * messages) follows when given. `message` is one line; `fix` is what to type or do.
 */
export class OrchestrateError extends Error {
  override readonly name = 'OrchestrateError';
  readonly exitCode: ExitCode;
  readonly fix: string;
  readonly box: string | null;

  constructor(
    exitCode: ExitCode,
    message: string,
    fix: string,
    options: { cause?: unknown; box?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = exitCode;
    this.fix = fix;
    this.box = options.box ?? null;
  }
}

/** The user ended the command at a question; nothing went wrong, so nothing is reported. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  /** As for SIGINT. */
  readonly exitCode = 130;
}

/** True for what an AbortSignal throws into work that it breaks off: it says nothing of the work, and counts for nothing. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError';
}

/** The text of anything thrown, on one line, without control characters. */
export function messageOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
}
