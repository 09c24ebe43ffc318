/** Turns a command line into a command, its arguments and its flags; texts stay texts, so that an id such as `007` survives. */
import { parseArgs } from 'node:util';
import {
  type CommandDefinition,
  type Flags,
  GLOBAL_OPTIONS,
  type OptionDefinition,
} from '../commands/definition.ts';
import { usageError } from '../commands/flags.ts';
import { nearest } from '../core/nearest.ts';

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

/** Parses what follows `orchestrate`. Throws exit 2 for anything it doesn't know. */
export function parseCommandLine(argv: readonly string[], table: readonly CommandDefinition[]): CommandLine {
  const { before, words } = splitAtCommand(argv);
  const leading = readOptions(before, GLOBAL_OPTIONS).flags;
  if (leading['version']) return { kind: 'version' };
  const help = leading['help'] !== undefined || words[0] === 'help';
  const rest = words[0] === 'help' ? words.slice(1) : words;
  if (rest[0] === undefined) return { kind: 'help', definition: null, prefix: '' };
  const found = findCommand(rest, table);
  if (found === null) return helpOfPrefix(rest, table);
  const { definition } = found;
  if (help) return { kind: 'help', definition, prefix: '' };
  const own = readOptions(found.rest, [...GLOBAL_OPTIONS, ...definition.options], definition);
  if (own.flags['help']) return { kind: 'help', definition, prefix: '' };
  if (own.flags['version']) return { kind: 'version' };
  checkArguments(definition, own.args);
  return { kind: 'run', definition, args: own.args, flags: { ...leading, ...own.flags } };
}

/** Global options may stand before the command. */
function splitAtCommand(argv: readonly string[]): { before: string[]; words: string[] } {
  let index = 0;
  while (index < argv.length && argv[index]?.startsWith('-')) {
    const word = argv[index];
    if (word === '--') return { before: argv.slice(0, index), words: argv.slice(index + 1) };
    index += word === '-C' || word === '--directory' ? 2 : 1;
  }
  return { before: argv.slice(0, index), words: argv.slice(index) };
}

function findCommand(words: readonly string[], table: readonly CommandDefinition[]) {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const definition = table.find((entry) => entry.name === name);
    if (definition !== undefined) return { definition, rest: words.slice(length) };
  }
  return null;
}

/** `orchestrate task` lists the commands below it when that is all that was asked; anything else is unknown. */
function helpOfPrefix(words: readonly string[], table: readonly CommandDefinition[]): CommandLine {
  const [first = '', second = '--help'] = words;
  const below = table.filter(({ name }) => name.startsWith(`${first} `));
  if (below.length > 0 && (second === '--help' || second === '-h')) {
    return { kind: 'help', definition: null, prefix: first };
  }
  const asked = below.length > 0 ? words.slice(0, 2).join(' ') : first;
  const guess = nearest(
    asked,
    table.map(({ name }) => name),
  );
  throw usageError(
    `unknown command ${JSON.stringify(asked)}`,
    guess === null ? 'orchestrate --help' : `orchestrate ${guess}`,
  );
}

function readOptions(
  argv: readonly string[],
  options: readonly OptionDefinition[],
  definition?: CommandDefinition,
): { args: string[]; flags: Flags } {
  const { tokens } = parseArgs({
    args: joinOptionalValues(argv, options),
    options: Object.fromEntries(
      options.map((option) => [
        option.name,
        {
          type: option.value === undefined ? ('boolean' as const) : ('string' as const),
          ...(option.short === undefined ? {} : { short: option.short }),
        },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const args: string[] = [];
  const flags: Record<string, string | true> = {};
  for (const token of tokens) {
    if (token.kind === 'positional') args.push(token.value);
    if (token.kind !== 'option') continue;
    const option = options.find(({ name }) => name === token.name);
    if (option === undefined) throw unknownOption(token.rawName, options, definition);
    flags[option.name] = optionValue(option, token.value, token.rawName);
  }
  return { args, flags };
}

/** Gives `--watch 5` and `--watch` the unambiguous forms `--watch=5` and `--watch=`. */
function joinOptionalValues(argv: readonly string[], options: readonly OptionDefinition[]): string[] {
  const names = new Set(options.filter(({ valueOptional }) => valueOptional).map(({ name }) => `--${name}`));
  const end = argv.indexOf('--');
  const joined: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    const next = argv[index + 1] ?? '';
    if (!names.has(word) || (end !== -1 && index > end)) joined.push(word);
    else if (/^\d+(\.\d+)?$/.test(next)) {
      joined.push(`${word}=${next}`);
      index += 1;
    } else joined.push(`${word}=`);
  }
  return joined;
}

function optionValue(option: OptionDefinition, value: string | undefined, rawName: string): string | true {
  if (option.value === undefined) {
    if (value === undefined) return true;
    throw usageError(`${rawName} takes no value`, rawName);
  }
  if (option.valueOptional && value === '') return true;
  if (value === undefined) throw usageError(`${rawName} needs a value`, `${rawName} ${option.value}`);
  if (option.choices !== undefined && !option.choices.includes(value)) {
    throw usageError(
      `${rawName} can't be ${JSON.stringify(value)}`,
      `${rawName} ${option.choices.join('|')}`,
    );
  }
  return value;
}

function unknownOption(
  rawName: string,
  options: readonly OptionDefinition[],
  definition?: CommandDefinition,
) {
  const guess = nearest(
    rawName,
    options.map(({ name }) => `--${name}`),
  );
  const of = definition === undefined ? '' : ` ${definition.name}`;
  return usageError(`unknown option ${rawName}`, guess ?? `orchestrate${of} --help`);
}

function checkArguments(definition: CommandDefinition, args: readonly string[]): void {
  const help = `orchestrate ${definition.name} --help`;
  const missing = definition.args.filter(({ required }) => required)[args.length];
  if (missing !== undefined) throw usageError(`${definition.name} needs <${missing.name}>`, help);
  const extra = definition.args.some(({ variadic }) => variadic) ? undefined : args[definition.args.length];
  if (extra !== undefined) {
    throw usageError(`${definition.name}: unexpected argument ${JSON.stringify(extra)}`, help);
  }
  for (const [index, { name, choices }] of definition.args.entries()) {
    const value = args[index];
    if (value === undefined || choices === undefined || choices.includes(value)) continue;
    throw usageError(
      `${definition.name}: <${name}> can't be ${JSON.stringify(value)}`,
      `orchestrate ${definition.name} ${choices.join('|')}`,
    );
  }
}
