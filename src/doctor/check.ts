/** The result of one check of `doctor`, and how an error becomes one. */
import { messageOf, OrchestrateError } from '../core/errors.ts';

export type Check = {
  readonly name: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to type; null when all is well. */
  readonly fix: string | null;
};

export function ok(name: string, message: string): Check {
  return { name, level: 'ok', message, fix: null };
}

/** Runs a check; what it throws is a failed check with the error's own remedy. */
export async function attempt(name: string, look: () => Promise<Check>): Promise<Check> {
  try {
    return await look();
  } catch (error) {
    return failed(name, error);
  }
}

/** The failed check that an error means. */
export function failed(name: string, error: unknown): Check {
  const fix = error instanceof OrchestrateError ? error.fix : 'orchestrate doctor --verbose';
  return { name, level: 'fail', message: messageOf(error), fix };
}
