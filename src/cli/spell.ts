/**
 * Spells a command line out so that cac reads every text as it was typed. cac turns `007` into 7, an empty value into 0, lets
 * a switch of two words swallow the argument after it, takes `-` for an option and drops a value that begins with a dash.
 * Hence: arguments before options, options by their long names, and a mark in front of every text.
 */
import { type CommandDefinition, type OptionDefinition, usageError } from '../commands/definition.ts';
import { nearest } from '../core/nearest.ts';

/** In front of every text: with it nothing looks like a number, an option or nothing at all. */
const MARK = ':';

/** The parts of a command line; `options` in cac's unambiguous form, `args` as typed. */
export type Spelled = { readonly args: readonly string[]; readonly options: readonly string[] };

/** The text as cac may see it. */
export function marked(text: string): string {
  return `${MARK}${text}`;
}

/** The text as it was typed. */
export function unmarked(text: string): string {
  return text.slice(MARK.length);
}

/**
 * Tells options from arguments. Without a `command` (in front of it) the first argument ends the options. Throws exit 2 for
 * an unknown option, a missing value and a value where none or another belongs.
 */
export function spellOut(
  argv: readonly string[],
  known: readonly OptionDefinition[],
  command: CommandDefinition | null,
): Spelled {
  const args: string[] = [];
  const options: string[] = [];
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') return { args: [...args, ...words], options };
    if (word.startsWith('-') && word !== '-') {
      for (const given of optionsOf(word, known)) options.push(spelledOption(given, words, known, command));
    } else if (command === null) return { args: [word, ...words], options };
    else args.push(word);
  }
  return { args, options };
}

/** An option as typed: `rawName` with its dashes, `value` undefined when none is attached. */
type Given = { readonly rawName: string; readonly value: string | undefined };

function optionsOf(word: string, known: readonly OptionDefinition[]): Given[] {
  if (!word.startsWith('--')) return shortOptions(word, known);
  const equals = word.indexOf('=');
  if (equals === -1) return [{ rawName: word, value: undefined }];
  return [{ rawName: word.slice(0, equals), value: word.slice(equals + 1) }];
}

/** Joined short options: `-fn20` is `-f -n 20`. */
function shortOptions(word: string, known: readonly OptionDefinition[]): Given[] {
  const given: Given[] = [];
  const letters = [...word.slice(1)];
  for (let letter = letters.shift(); letter !== undefined; letter = letters.shift()) {
    const takesRest = known.some(({ short, value }) => short === letter && value !== undefined);
    const rest = takesRest ? letters.splice(0).join('') : '';
    given.push({ rawName: `-${letter}`, value: rest === '' ? undefined : rest.replace(/^=/, '') });
  }
  return given;
}

/** Takes a value that isn't attached out of `words`. */
function spelledOption(
  given: Given,
  words: string[],
  known: readonly OptionDefinition[],
  command: CommandDefinition | null,
): string {
  const { rawName } = given;
  const option = known.find(({ name, short }) => rawName === `--${name}` || rawName === `-${short}`);
  if (option === undefined) throw unknownOption(rawName, known, command);
  const { name, value: form, choices } = option;
  const value = given.value ?? (takesNext(option, words[0]) ? words.shift() : undefined);
  if (form === undefined) {
    if (value === undefined) return `--${name}`;
    throw usageError(`${rawName} takes no value`, helpOf(command));
  }
  if (option.valueOptional && !value) return `--${name}`;
  if (value === undefined) throw usageError(`${rawName} needs a value: ${rawName} ${form}`, helpOf(command));
  if (choices !== undefined && !choices.includes(value)) {
    throw usageError(`${rawName} takes ${oneOf(choices)}, not ${JSON.stringify(value)}`, helpOf(command));
  }
  return `--${name}=${marked(value)}`;
}

/** `a, b or c`. */
export function oneOf(choices: readonly string[]): string {
  return [...choices.slice(0, -2), choices.slice(-2).join(' or ')].join(', ');
}

/** A value that may be left out is taken only when it is a number; any other may begin with a dash. */
function takesNext(option: OptionDefinition, next = ''): boolean {
  return option.value !== undefined && (!option.valueOptional || /^\d+(\.\d+)?$/.test(next));
}

function unknownOption(
  rawName: string,
  known: readonly OptionDefinition[],
  command: CommandDefinition | null,
) {
  const guess = nearest(
    rawName,
    known.map(({ name }) => `--${name}`),
  );
  const meant = guess === null ? '' : ` (did you mean ${guess}?)`;
  return usageError(`unknown option ${rawName}${meant}`, helpOf(command));
}

/** The command that shows what the command takes. */
function helpOf(command: CommandDefinition | null): string {
  return command === null ? 'orchestrate --help' : `orchestrate ${command.name} --help`;
}
