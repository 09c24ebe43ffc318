/** Says in plain words what is wrong with a value that a schema refused: one wording for configuration, plan files and tools; knows no schema library. */

/** What a schema says of a value; zod's issues have this shape. */
export type SchemaIssue = {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly expected?: string;
  readonly values?: readonly unknown[];
  /** Keys that nothing is known of. */
  readonly keys?: readonly string[];
  readonly origin?: string;
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  readonly inclusive?: boolean;
};

/** What values are called where they were written: `kinds` by type, `missing` for none. */
export type Wording = { readonly kinds: Readonly<Record<string, string>>; readonly missing: string };

/** Words for JSON. */
export const JSON_WORDING: Wording = {
  kinds: {
    string: 'a string',
    number: 'a number',
    bigint: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'an object',
  },
  missing: 'is missing',
};

/** What is wrong with the value that `issue` is about, in words that follow its name; `whole` is what the schema was given. */
export function valueProblem(issue: SchemaIssue, whole: unknown, wording: Wording): string {
  const given = valueAt(whole, issue.path);
  switch (issue.code) {
    case 'invalid_type':
    case 'invalid_value':
    case 'invalid_union':
      return given === undefined ? wording.missing : misfit(issue, given, wording.kinds);
    case 'too_small':
    case 'too_big':
      return outOfBounds(issue) ?? issue.message;
    default:
      return issue.message.replace(/^Invalid input: /, '');
  }
}

function misfit(
  { code, expected = '', values = [] }: SchemaIssue,
  given: unknown,
  kinds: Wording['kinds'],
): string {
  if (code === 'invalid_value') return `must be one of ${values.map(String).join(', ')}`;
  if (code === 'invalid_union') return `has the wrong type (${nameOf(kindOf(given), kinds)})`;
  // What is no whole number is a number all the same.
  const isFraction = expected === 'int' && typeof given === 'number';
  return `must be ${nameOf(expected, kinds)}, not ${isFraction ? 'a fraction' : nameOf(kindOf(given), kinds)}`;
}

/** The bound of a number; null for the size of anything else, whose schema has its own words. */
function outOfBounds({ code, origin, minimum, maximum, inclusive }: SchemaIssue): string | null {
  if (origin !== 'number' && origin !== 'int') return null;
  if (code === 'too_big') return `must be at most ${maximum}`;
  return `must be ${inclusive === true ? 'at least' : 'more than'} ${minimum}`;
}

/** A path as it is written: `gates[0].command`; empty for the whole. */
export function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

/** The value at a path, by own properties only; undefined where there is none. */
function valueAt(whole: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null
        ? Object.getOwnPropertyDescriptor(value, part)?.value
        : undefined,
    whole,
  );
}

/** What kind of JSON value it is. */
export function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

function nameOf(kind: string, kinds: Wording['kinds']): string {
  return kinds[kind] ?? kind;
}
