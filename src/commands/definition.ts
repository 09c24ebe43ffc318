/** How a command is described in the table (help, parsing and shell completion are all generated from this), and how its flags are read. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import type { Io } from './io.ts';

/** One `--option` of a command. */
export type OptionDefinition = {
  /** Long name without dashes, as in `max-workers`; also its name in {@link Flags}. */
  readonly name: string;
  readonly short?: string;
  /** What the value is called in the help; without it the option is a switch. */
  readonly value?: string;
  /** The value may be left out; only a number after the option counts as its value. */
  readonly valueOptional?: true;
  readonly choices?: readonly string[];
  /** What a shell should offer as the value. */
  readonly completes?: 'files';
  readonly description: string;
};

/** One positional argument; `variadic` takes the rest and may only be the last. */
export type ArgumentDefinition = {
  readonly name: string;
  readonly required: boolean;
  readonly variadic?: true;
  readonly choices?: readonly string[];
  /** Accepted too, from programs: left out of help and completion. */
  readonly hiddenChoices?: readonly string[];
  /** What a shell should offer. */
  readonly completes?: 'streams' | 'files';
};

/** Options as given, by long name: a text, or true for a switch or a left-out value. */
export type Flags = Readonly<Record<string, string | true | undefined>>;

/** What each `src/commands/<verb>.ts` exports: it resolves to the exit code. */
export type CommandModule = {
  readonly run: (args: readonly string[], flags: Flags, io: Io) => Promise<number>;
};

/** One entry of the table. A name may have two words (`task list`). */
export type CommandDefinition = {
  readonly name: string;
  readonly summary: string;
  readonly args: readonly ArgumentDefinition[];
  readonly options: readonly OptionDefinition[];
  readonly examples: readonly string[];
  /** Called by programs only: left out of the overview and of completion. */
  readonly hidden?: true;
  readonly load: () => Promise<CommandModule>;
};

/** Commands under one heading of the help. */
export type CommandGroup = { readonly title: string; readonly commands: readonly CommandDefinition[] };

/** Options that every command takes. */
export const GLOBAL_OPTIONS: readonly OptionDefinition[] = [
  { name: 'help', short: 'h', description: 'Show help with examples.' },
  { name: 'version', short: 'V', description: 'Show the version.' },
  { name: 'directory', short: 'C', value: 'DIR', description: 'Act as if started in DIR.' },
  { name: 'json', description: 'Print data, and errors, as JSON.' },
  { name: 'no-color', description: 'No colours (as NO_COLOR does).' },
  { name: 'verbose', description: 'Say more, and show the stack of an unexpected error.' },
];

/**
 * A number option in its bounds, undefined when not given (or given without a value). Throws exit 2; `command` is how the
 * command line begins without it, such as `start`, and `example` a value that does no harm.
 */
export function numberFlag(
  command: string,
  flags: Flags,
  name: string,
  bounds: {
    readonly min: number;
    readonly max?: number;
    readonly whole?: boolean;
    readonly example?: number;
  },
): number | undefined {
  const text = flags[name];
  if (text === undefined || text === true) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const max = bounds.max ?? Number.MAX_SAFE_INTEGER;
  if (value >= bounds.min && value <= max && (!bounds.whole || Number.isInteger(value))) return value;
  const range = `from ${bounds.min}${bounds.max === undefined ? '' : ` to ${bounds.max}`}`;
  throw usageError(
    `--${name} takes a ${bounds.whole ? 'whole ' : ''}number ${range}, not ${JSON.stringify(text)}`,
    `orchestrate ${command} --${name} ${bounds.example ?? Math.max(bounds.min, 1)}`,
  );
}

/** A text option, undefined when not given. */
export function textFlag(flags: Flags, name: string): string | undefined {
  const text = flags[name];
  return text === true ? undefined : text;
}

/** One of the `choices` of an option, which the table names too: parsing has refused all others. Undefined when not given. */
export function choiceFlag<T extends string>(
  flags: Flags,
  name: string,
  choices: readonly T[],
): T | undefined {
  return choices.find((each) => each === flags[name]);
}

/** The error for a command line that cannot be understood: exit 2. */
export function usageError(message: string, fix: string): OrchestrateError {
  return new OrchestrateError(EXIT.usage, message, fix);
}
