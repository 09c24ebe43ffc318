/** Says in plain words what is wrong with a key of config.json. */
import type * as z from 'zod';
import { nearest } from '../../core/nearest.ts';
import { DEFAULT_CONFIG } from './config.ts';

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  undefined: 'nothing',
};

/** Where `path` leads in the defaults; the keys beside it are the ones that may have been meant. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  const place = path.reduce<unknown>(
    (inner, step) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[step],
    DEFAULT_CONFIG,
  );
  if (typeof place === 'object' && place !== null) return Object.keys(place);
  return path[0] === 'gates' ? ['name', 'command', 'cwd', 'timeoutSeconds'] : [];
}

function unknownKey(path: readonly PropertyKey[], name: string): string {
  const meant = nearest(name.slice(0, 60), knownKeys(path));
  const hint = meant === null ? '' : ` (did you mean "${dotted([...path, meant])}"?)`;
  return `unknown key ${JSON.stringify(dotted([...path, name]))}${hint}`;
}

function wrongType(expected: string, message: string): string {
  const given = /received (\S+)$/.exec(message)?.[1] ?? 'something else';
  if (given === 'undefined') return 'is missing';
  // What is no whole number is said to have received a number.
  const said = expected === 'int' && given === 'number' ? 'a fraction' : (KINDS[given] ?? given);
  return `must be ${KINDS[expected] ?? expected}, not ${said}`;
}

function valueText(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, issue.message);
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `must be ${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}`
        : issue.message;
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `must be at most ${issue.maximum}`
        : issue.message;
    default:
      return issue.message.replace(/^Invalid input: /, '');
  }
}

/** One problem, with the key it is about. */
export function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((name) => unknownKey(issue.path, name)).join(', ');
  return `"${dotted(issue.path)}": ${valueText(issue)}`;
}

/** A path as it is written: `gates[0].command`. */
export function dotted(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}
