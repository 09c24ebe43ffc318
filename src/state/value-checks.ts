/** Checks of values that were read back from a column: a value is what it should be, or an error says what it is. */

/** A row as the driver returns it. */
export type Row = Readonly<Record<string, unknown>>;

/** A column holds what this release cannot read; the message names the column and the value. */
export class UnreadableValue extends Error {}

/** Returns the value as what it should be; throws `UnreadableValue` for anything else. */
export type Check<T> = (value: unknown) => T;

export const refuse = (value: unknown, wanted: string): never => {
  throw new UnreadableValue(`${JSON.stringify(value)?.slice(0, 80)} is not ${wanted}`);
};
export const text: Check<string> = (value) => (typeof value === 'string' ? value : refuse(value, 'a string'));
export const number: Check<number> = (value) =>
  typeof value === 'number' ? value : refuse(value, 'a number');
export const truth: Check<boolean> = (value) =>
  typeof value === 'boolean' ? value : refuse(value, 'true or false');
export const nullable =
  <T>(check: Check<T>): Check<T | null> =>
  (value) =>
    value === null ? null : check(value);
/** As `check`, and `otherwise` where an earlier release wrote nothing. */
export const absentAs =
  <T>(otherwise: T, check: Check<T>): Check<T> =>
  (value) =>
    value === undefined ? otherwise : check(value);
export const listOf =
  <T>(check: Check<T>): Check<readonly T[]> =>
  (value) =>
    Array.isArray(value) ? value.map(check) : refuse(value, 'a list');
export const mapOf =
  <T>(check: Check<T>): Check<Readonly<Record<string, T>>> =>
  (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, check(each)]))
      : refuse(value, 'an object');
/** One of the names that are keys of `known`, so that the compiler asks for every new one. */
export const nameOf =
  <Name extends string>(what: string, known: Readonly<Record<Name, true>>): Check<Name> =>
  (value) =>
    typeof value === 'string' && Object.hasOwn(known, value)
      ? (value as Name)
      : refuse(value, `${what} that this version knows`);
/** An object with these fields; what else it holds is left out. */
export const fieldsOf =
  <T extends object>(checks: { readonly [Field in keyof T]-?: Check<T[Field]> }): Check<T> =>
  (value) => {
    if (typeof value !== 'object' || value === null) return refuse(value, 'an object');
    const fields = Object.entries<Check<unknown>>(checks).map(([name, check]) => {
      try {
        return [name, check((value as Row)[name])];
      } catch (error) {
        throw error instanceof UnreadableValue ? new UnreadableValue(`${name} ${error.message}`) : error;
      }
    });
    return Object.fromEntries(fields) as T;
  };

/** The value that a text means as JSON. */
export function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return refuse(json, 'JSON');
  }
}
