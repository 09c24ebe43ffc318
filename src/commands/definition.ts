/** How a command is described in the table: help, parsing and shell completion are all generated from this. */
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
