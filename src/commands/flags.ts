/** Reads typed values out of a command's flags; a wrong one is a usage error. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import type { Flags } from './definition.ts';

/** A number option in its bounds, undefined when not given (or given without a value). Throws exit 2. */
export function numberFlag(
  flags: Flags,
  name: string,
  bounds: { readonly min: number; readonly max?: number; readonly whole?: boolean },
): number | undefined {
  const text = flags[name];
  if (text === undefined || text === true) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const max = bounds.max ?? Number.MAX_SAFE_INTEGER;
  if (value >= bounds.min && value <= max && (!bounds.whole || Number.isInteger(value))) return value;
  throw usageError(
    `--${name} takes a ${bounds.whole ? 'whole ' : ''}number from ${bounds.min}, not ${JSON.stringify(text)}`,
    `--${name} ${Math.max(bounds.min, 1)}`,
  );
}

/** A text option, undefined when not given. */
export function textFlag(flags: Flags, name: string): string | undefined {
  const text = flags[name];
  return text === true ? undefined : text;
}

/** The error for a command line that can't be understood: exit 2. */
export function usageError(message: string, fix: string): OrchestrateError {
  return new OrchestrateError(EXIT.usage, message, fix);
}
