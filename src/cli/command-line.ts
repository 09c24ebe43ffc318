/** Turns a command line into a command, its arguments and its flags; cac parses, texts stay as they were typed. */

import { type CAC, cac } from 'cac';
import {
  type ArgumentDefinition,
  type CommandDefinition,
  type Flags,
  GLOBAL_OPTIONS,
  type OptionDefinition,
  usageError,
} from '../commands/definition.ts';
import { nearest } from '../core/nearest.ts';
import { shellWord } from '../core/shell-word.ts';
import { marked, oneOf, type Spelled, spellOut, unmarked } from './spell.ts';

/** What was asked for. `definition` is null for the help of the whole. */
export type CommandLine =
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly definition: CommandDefinition | null; readonly prefix: string }
  | {
      readonly kind: 'run';
      readonly definition: CommandDefinition;
      readonly args: readonly string[];
      readonly flags: Flags;
    };

/** Parses what follows `orchestrate`; global options may stand before the command. Throws exit 2 for anything it doesn't know. */
export function parseCommandLine(argv: readonly string[], table: readonly CommandDefinition[]): CommandLine {
  const front = spellOut(argv, GLOBAL_OPTIONS, null);
  const { flags: leading } = readWith(front, null);
  if (leading['version']) return { kind: 'version' };
  const words = front.args;
  const help = leading['help'] !== undefined || words[0] === 'help';
  const rest = words[0] === 'help' ? words.slice(1) : words;
  if (rest[0] === undefined) return { kind: 'help', definition: null, prefix: '' };
  const found = findCommand(rest, table);
  if (found === null) return helpOfPrefix(rest, table, argv.slice(0, argv.length - words.length));
  const { definition } = found;
  if (help) return { kind: 'help', definition, prefix: '' };
  const spelled = spellOut(found.rest, [...GLOBAL_OPTIONS, ...definition.options], definition);
  const { flags, args } = readWith(spelled, definition);
  if (flags['help']) return { kind: 'help', definition, prefix: '' };
  if (flags['version']) return { kind: 'version' };
  checkArguments(definition, args);
  return { kind: 'run', definition, args, flags: { ...leading, ...flags } };
}

/** A cac instance that knows the global options and, unless null, one command; help and version are ordinary options of it. */
function declare(definition: CommandDefinition | null): CAC {
  const cli = cac('orchestrate');
  // What was not given stays absent: cac would set `color` for `--no-color`.
  cli.globalCommand.ignoreOptionDefaultValue();
  for (const option of GLOBAL_OPTIONS) cli.option(declaredOption(option), option.description);
  if (definition === null) return cli;
  const { name, summary, args, options } = definition;
  const command = cli.command([name, ...args.map(declaredArgument)].join(' '), summary);
  for (const option of options) command.option(declaredOption(option), option.description);
  return cli;
}

/** An option in cac's notation, as in `-n, --lines <N>`. */
function declaredOption({ name, short, value, valueOptional }: OptionDefinition): string {
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
  if (value === undefined) return names;
  return valueOptional ? `${names} [${value}]` : `${names} <${value}>`;
}

function declaredArgument({ name, required, variadic }: ArgumentDefinition): string {
  const form = variadic ? `...${name}` : name;
  return required ? `<${form}>` : `[${form}]`;
}

/** Has cac parse the command and its options; of an option given twice the last counts. */
function readWith(
  { args, options }: Spelled,
  definition: CommandDefinition | null,
): { readonly flags: Flags; readonly args: readonly string[] } {
  if (options.length === 0) return { flags: {}, args };
  const cli = declare(definition);
  const words = definition === null ? [] : [definition.name, ...args.map(marked)];
  // Its first two words, the program's, are skipped by cac.
  cli.parse(['node', cli.name, ...words, ...options], { run: false });
  const flags: Record<string, string | true> = {};
  for (const option of [...GLOBAL_OPTIONS, ...(definition?.options ?? [])]) {
    // To cac `--retry` and `--no-retry` are one option: of a switch only its having been given is taken.
    if (option.value === undefined && !options.includes(`--${option.name}`)) continue;
    const last = [cli.options[nameInCac(cli, option)]].flat().at(-1);
    if (last !== undefined) flags[option.name] = typeof last === 'string' ? unmarked(last) : true;
  }
  return { flags, args: cli.args.map(unmarked) };
}

/** cac calls `--dry-run` dryRun, and `--no-color` color. */
function nameInCac({ globalCommand, matchedCommand }: CAC, option: OptionDefinition): string {
  const declared = [...globalCommand.options, ...(matchedCommand?.options ?? [])];
  return declared.find(({ rawName }) => rawName === declaredOption(option))?.name ?? option.name;
}

function findCommand(words: readonly string[], table: readonly CommandDefinition[]) {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const definition = table.find((entry) => entry.name === name);
    if (definition !== undefined) return { definition, rest: words.slice(length) };
  }
  return null;
}

/**
 * `orchestrate task` lists the commands below it when that is all that was asked; anything else is unknown. `front`: the options
 * before the words, without which what is offered may act elsewhere.
 */
function helpOfPrefix(
  words: readonly string[],
  table: readonly CommandDefinition[],
  front: readonly string[],
): CommandLine {
  const [first = '', second = '--help'] = words;
  const below = table.filter(({ name }) => name.startsWith(`${first} `));
  if (below.length > 0 && (second === '--help' || second === '-h')) {
    return { kind: 'help', definition: null, prefix: first };
  }
  const asked = below.length > 0 ? words.slice(0, 2).join(' ') : first;
  const rest = words.slice(below.length > 0 ? 2 : 1);
  const guess = nearest(
    asked,
    table.map(({ name }) => name),
  );
  throw usageError(
    `unknown command ${JSON.stringify(asked)}`,
    guess === null
      ? ['orchestrate', ...(below.length > 0 ? [first] : []), '--help'].join(' ')
      : ['orchestrate', ...front.map(shellWord), guess, ...rest.map(shellWord)].join(' '),
  );
}

function checkArguments(definition: CommandDefinition, args: readonly string[]): void {
  const help = `orchestrate ${definition.name} --help`;
  const missing = definition.args.filter(({ required }) => required)[args.length];
  if (missing !== undefined) throw usageError(`${definition.name} needs <${missing.name}>`, help);
  const extra = definition.args.some(({ variadic }) => variadic) ? undefined : args[definition.args.length];
  if (extra !== undefined) {
    throw usageError(`${definition.name}: unexpected argument ${JSON.stringify(extra)}`, help);
  }
  for (const [index, { name, choices, hiddenChoices }] of definition.args.entries()) {
    const value = args[index];
    if (value === undefined || choices === undefined || choices.includes(value)) continue;
    if (hiddenChoices?.includes(value) === true) continue;
    throw usageError(
      `${definition.name} takes ${oneOf(choices)} as <${name}>, not ${JSON.stringify(value)}`,
      `orchestrate ${definition.name} ${choices[0]}`,
    );
  }
}
