/**
 * Checks a value against a JSON schema, and has the words to write one. The schema is the one that is published for editors;
 * rules that JSON schema cannot say are attached to it. No library: each command reads its configuration before anything else.
 */
import { kindOf, type SchemaIssue } from '../../core/schema-issue.ts';

/** A rule for texts or lists beyond what JSON schema says, and what is said of a value that breaks it. */
export type Rule<T> = readonly [holds: (value: T) => boolean, message: string];

/** What is attached to a schema but not published. */
const RULES = Symbol('rules');

/** A schema: the part of JSON schema that is used here. */
export type Schema = {
  readonly default?: unknown;
  readonly description?: string;
  readonly type?: 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'array' | 'object';
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
  readonly anyOf?: readonly [Schema, Schema];
  readonly [RULES]?: readonly Rule<never>[];
};

type Described = { readonly description?: string };

/** A text; `rules` say what its pattern and length do not. */
export function text(
  how: Pick<Schema, 'pattern' | 'minLength' | 'maxLength'> &
    Described & { readonly rules?: readonly Rule<string>[] } = {},
): Schema {
  const { rules = [], ...rest } = how;
  return { type: 'string', ...rest, [RULES]: rules };
}

/** A number; `above` is a bound that is not itself allowed. */
export function number(how: { above?: number; min?: number; max?: number } & Described): Schema {
  return { ...bounded(how), type: 'number' };
}

/** A whole number. */
export function whole(how: { min: number; max: number } & Described): Schema {
  return { ...bounded(how), type: 'integer' };
}

function bounded(how: { above?: number; min?: number; max?: number } & Described): Schema {
  const { above, min, max, ...rest } = how;
  return {
    ...rest,
    ...(above === undefined ? {} : { exclusiveMinimum: above }),
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
  };
}

/** One of some words. */
export function oneOf(words: readonly string[], how: Described = {}): Schema {
  return { ...how, type: 'string', enum: words };
}

/** True or false. */
export function flag(how: Described = {}): Schema {
  return { ...how, type: 'boolean' };
}

/** A list whose entries are all of one schema. */
export function list<T>(
  items: Schema,
  how: Pick<Schema, 'minItems' | 'maxItems'> &
    Described & { readonly rules?: readonly Rule<readonly T[]>[] } = {},
): Schema {
  const { rules = [], ...rest } = how;
  return { ...rest, type: 'array', items, [RULES]: rules };
}

/** What `schema` allows, or null. */
export function orNull(schema: Schema, how: Described = {}): Schema {
  return { ...how, anyOf: [schema, { type: 'null' }] };
}

/** What one of two schemas of different kinds allows. */
export function either(one: Schema, other: Schema, how: Described = {}): Schema {
  return { ...how, anyOf: [one, other] };
}

/** An object with exactly these keys; those without a default have to be there. */
export function fields<T extends object>(
  properties: { readonly [Name in keyof T]-?: Schema },
  defaults: Partial<T>,
  how: Described = {},
): Schema {
  const given: [string, Schema][] = Object.entries(properties);
  const filled = given.map(([name, schema]) => {
    // An object that is missing is filled from the defaults of its keys.
    const value = schema.type === 'object' ? {} : (defaults as Record<string, unknown>)[name];
    return [name, value === undefined ? schema : { default: value, ...schema }] as const;
  });
  const required = filled.filter(([, schema]) => !('default' in schema)).map(([name]) => name);
  return {
    ...how,
    type: 'object',
    properties: Object.fromEntries(filled),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

/** The value with defaults filled in, and all that is wrong with it. */
export type Checked = { readonly value: unknown; readonly issues: readonly SchemaIssue[] };

/** Checks `given`, of which `path` is the place for issues. */
export function check(schema: Schema, given: unknown, path: readonly PropertyKey[] = []): Checked {
  if (schema.anyOf !== undefined) {
    const [one, other] = schema.anyOf;
    const kind = kindOf(given);
    return check(kind === (other.type ?? kind) && kind !== one.type ? other : one, given, path);
  }
  const wrong = kindIssue(schema, given);
  if (wrong !== null) return { value: given, issues: [{ path, message: '', ...wrong }] };
  const issues = ownIssues(schema, given).map((issue) => ({ path, ...issue }));
  const inner = Array.isArray(given)
    ? checkItems(schema, given, path)
    : schema.type === 'object'
      ? checkFields(schema, given as Record<string, unknown>, path)
      : { value: given, issues: [] };
  return { value: inner.value, issues: [...inner.issues, ...issues] };
}

/** What is wrong with the kind of a value; null when it is of the right one. */
function kindIssue({ type = 'null', enum: words }: Schema, given: unknown): Partial<SchemaIssue> | null {
  if (words !== undefined) {
    return words.some((word) => word === given) ? null : { code: 'invalid_value', values: words };
  }
  const kind = kindOf(given);
  if (kind === type) return null;
  if (type !== 'integer') return { code: 'invalid_type', expected: type };
  if (Number.isSafeInteger(given)) return null;
  return { code: 'invalid_type', expected: kind === 'number' ? 'int' : 'number' };
}

type Own = Omit<SchemaIssue, 'path'>;

/** What is wrong with a value of the right kind, its parts left aside. */
function ownIssues(schema: Schema, given: unknown): Own[] {
  const broken = (schema[RULES] ?? []) as readonly Rule<unknown>[];
  return [
    ...(typeof given === 'number' ? numberIssues(schema, given) : []),
    ...(typeof given === 'string' ? textIssues(schema, given) : []),
    ...(Array.isArray(given) ? sizeIssues(given.length, schema.minItems, schema.maxItems, 'entries') : []),
    ...broken.filter(([holds]) => !holds(given)).map(([, message]) => ({ code: 'custom', message })),
  ];
}

function numberIssues({ minimum, exclusiveMinimum, maximum }: Schema, given: number): Own[] {
  const about = { origin: 'number', message: '' };
  if (minimum !== undefined && given < minimum)
    return [{ ...about, code: 'too_small', minimum, inclusive: true }];
  if (exclusiveMinimum !== undefined && given <= exclusiveMinimum)
    return [{ ...about, code: 'too_small', minimum: exclusiveMinimum, inclusive: false }];
  if (maximum !== undefined && given > maximum) return [{ ...about, code: 'too_big', maximum }];
  return [];
}

function textIssues({ pattern, minLength, maxLength }: Schema, given: string): Own[] {
  const message = 'must be a non-empty line without control characters';
  const fits = pattern === undefined || new RegExp(pattern, 'u').test(given);
  return [
    ...(fits ? [] : [{ code: 'custom', message }]),
    ...sizeIssues(given.length, minLength, maxLength, 'characters'),
  ];
}

function sizeIssues(size: number, least = 0, most = Number.POSITIVE_INFINITY, unit: string): Own[] {
  if (size < least) {
    return [
      { code: 'custom', message: size === 0 ? 'must not be empty' : `must have ${least} ${unit} or more` },
    ];
  }
  return size > most ? [{ code: 'custom', message: `must have at most ${most} ${unit}` }] : [];
}

function checkItems(
  { items = {} }: Schema,
  given: readonly unknown[],
  path: readonly PropertyKey[],
): Checked {
  const checked = given.map((each, index) => check(items, each, [...path, index]));
  return { value: checked.map(({ value }) => value), issues: checked.flatMap(({ issues }) => issues) };
}

function checkFields(
  { properties = {}, required = [] }: Schema,
  given: Readonly<Record<string, unknown>>,
  path: readonly PropertyKey[],
): Checked {
  const value: [string, unknown][] = [];
  const issues: SchemaIssue[] = [];
  for (const [name, schema] of Object.entries(properties)) {
    const present = Object.hasOwn(given, name) ? given[name] : schema.default;
    if (present === undefined && !required.includes(name)) continue;
    const checked = check(schema, present, [...path, name]);
    value.push([name, checked.value]);
    issues.push(...checked.issues);
  }
  const keys = Object.keys(given).filter((name) => !Object.hasOwn(properties, name));
  if (keys.length > 0) issues.push({ code: 'unrecognized_keys', path, keys, message: '' });
  return { value: Object.fromEntries(value), issues };
}
