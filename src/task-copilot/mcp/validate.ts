/** Checks a tool's arguments and says in one sentence which field is wrong and how; knows no tool. */
import type * as z from 'zod';
import type { Tool } from './tool.ts';

/** Problems named in one answer; further ones are counted. */
const MAX_NAMED = 5;

/** The validated input, or the sentence that names what is wrong with it. */
export function validate(
  tool: Tool,
  given: Readonly<Record<string, unknown>>,
): { ok: true; input: unknown } | { ok: false; message: string } {
  const entries = Object.entries(given).filter(
    ([name, value]) => value !== null || tool.nullable.includes(name),
  );
  const input = Object.fromEntries(entries);
  const result = tool.input.safeParse(input);
  if (result.success) return { ok: true, input: keep(input, result.data) };
  const problems = result.error.issues.map((issue) => describe(issue, input));
  const named = problems.slice(0, MAX_NAMED).join('; ');
  const more = problems.length > MAX_NAMED ? `; and ${problems.length - MAX_NAMED} more` : '';
  return { ok: false, message: `Invalid arguments for ${tool.name}: ${named}${more}` };
}

/** No schema changes a value, and the parsed copy of metadata has its keys in another order: what was given is used. */
function keep(input: Readonly<Record<string, unknown>>, parsed: unknown): Record<string, unknown> {
  const names = Object.keys(Object(parsed)).filter((name) => name in input);
  return Object.fromEntries(names.map((name) => [name, input[name]]));
}

function describe(issue: z.core.$ZodIssue, input: unknown): string {
  const value = at(input, issue.path);
  return `${fieldName(issue.path)}: ${reason(issue, value)}`;
}

function reason(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined) return 'is required';
  if (issue.code === 'invalid_type') return `must be ${named(issue.expected)}, not ${kindOf(value)}`;
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_union') return `has the wrong type (${kindOf(value)})`;
  return issue.message;
}

/** `metadata.files[2]`: the spelling that the caller used. */
function fieldName(path: readonly PropertyKey[]): string {
  const name = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return name === '' ? 'arguments' : name.replace(/^\./, '');
}

function at(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null
        ? Object.getOwnPropertyDescriptor(value, part)?.value
        : undefined,
    input,
  );
}

function named(type: string): string {
  const names: Readonly<Record<string, string>> = {
    string: 'a text',
    number: 'a number',
    boolean: 'true or false',
    array: 'a list',
    object: 'an object',
  };
  return names[type] ?? type;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return named(Array.isArray(value) ? 'array' : typeof value).replace('true or false', 'a boolean');
}
