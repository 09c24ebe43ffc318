/** Loads the configuration: flag, environment, config.json, default; names the key and its source when one is wrong. */

import { EXIT, messageOf, OrchestrateError } from '../../core/errors.ts';
import { isObject } from '../../core/json-fields.ts';
import { nearest } from '../../core/nearest.ts';
import { AGENT_KINDS, AGENT_TRAITS } from '../../core/run-types.ts';
import { dotted, JSON_WORDING, type SchemaIssue, valueProblem } from '../../core/schema-issue.ts';
import { readUsersFile } from '../../files/present.ts';
import { tagOf } from '../../files/sha256.ts';
import type { Config } from './config.ts';
import { configSchema } from './config-schema.ts';
import { check, type Schema } from './json-schema.ts';
import { parseScalar, SCALAR_KEYS } from './variables.ts';

export type { Config, Gate, SetupCommand } from './config.ts';
export { DEFAULT_CONFIG, setupCommands } from './config.ts';

/** Values given on the command line, by dotted key (`maxWorkers`, `tmux.socket`); undefined ones don't count. */
export type ConfigFlags = Readonly<Record<string, string | number | boolean | null | undefined>>;

type Environment = Readonly<Record<string, string | undefined>>;
type Tree = Record<string, unknown>;

/**
 * Reads config.json at `path` (a missing file means defaults), lays environment and flags over it and checks the whole.
 * Throws exit 7 naming key, value and source; exit 3 when the file cannot be read.
 */
export function loadConfig(path: string, env: Environment, flags: ConfigFlags = {}): Config {
  const text = readText(path);
  const tree = text === null ? {} : parseText(text, path);
  const sources = overlay(tree, env, flags);
  nameProgram(tree);
  const { value, issues } = check(configSchema, tree);
  if (issues.length > 0) throw badConfig(issues, tree, path, sources);
  return withoutSchema(value);
}

function withoutSchema(value: unknown): Config {
  const { $schema: _, ...config } = value as Config & { $schema?: string };
  return config;
}

/** A configuration, and what is wrong with it; null for one that is right. */
export type Loaded = { readonly config: Config; readonly trouble: OrchestrateError | null };

/** As `loadConfig`, for what has to work whatever it says: what is wrong in it is as if it were not there. */
export function loadWhatHolds(path: string, env: Environment, flags: ConfigFlags = {}): Loaded {
  try {
    return { config: loadConfig(path, env, flags), trouble: null };
  } catch (error) {
    if (!(error instanceof OrchestrateError)) throw error;
    return { config: whatHolds(path, env, flags), trouble: error };
  }
}

function whatHolds(path: string, env: Environment, flags: ConfigFlags): Config {
  let tree: Tree = {};
  try {
    tree = parseText(readText(path) ?? '{}', path);
  } catch (error) {
    // Nothing of it can be read, of which the caller is told already.
    if (!(error instanceof OrchestrateError)) throw error;
  }
  overlay(tree, env, flags);
  nameProgram(tree);
  for (const { path: place, keys } of check(configSchema, tree).issues)
    for (const key of place.length === 0 ? (keys ?? []) : [String(place[0])]) delete tree[key];
  return withoutSchema(check(configSchema, tree).value);
}

/** Without a command, an agent is the program of its kind; one of the user's own has to have one, not the default's. */
function nameProgram(tree: Tree): void {
  const { agent } = tree;
  if (typeof agent !== 'object' || agent === null || !('kind' in agent) || 'command' in agent) return;
  const kind = AGENT_KINDS.find((each) => each === agent.kind);
  if (kind !== undefined) tree['agent'] = { ...agent, command: AGENT_TRAITS[kind].program ?? '' };
}

/** A text that changes when config.json does; `none` without one. */
export function configFileHash(path: string): string {
  const text = readText(path);
  return text === null ? 'none' : tagOf(text);
}

function readText(path: string): string | null {
  return readUsersFile(path)?.replace(/^\uFEFF/, '') ?? null;
}

function parseText(text: string, path: string): Tree {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new OrchestrateError(
      EXIT.input,
      `${path} is not valid JSON: ${messageOf(error)}`,
      `correct ${path}, or move it away for a new one`,
      { cause: error },
    );
  }
  if (isObject(value)) return value;
  throw new OrchestrateError(EXIT.input, `${path} must hold one JSON object`, `correct ${path}`);
}

/** Puts variables and flags into the tree; returns who set which key. */
function overlay(tree: Tree, env: Environment, flags: ConfigFlags): Map<string, string> {
  const sources = new Map<string, string>();
  for (const { path, variable, kind } of SCALAR_KEYS) {
    const text = env[variable];
    if (text === undefined || text === '') continue;
    setAt(tree, path, parseScalar(kind, text));
    sources.set(path, variable);
  }
  for (const [path, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    setAt(tree, path, value);
    sources.set(path, 'the command line');
  }
  return sources;
}

function setAt(tree: Tree, path: string, value: unknown): void {
  const [name = path, ...rest] = path.split('.');
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const inner = tree[name] ?? {};
  // A wrong type here is left for the schema to name.
  if (!isObject(inner)) return;
  tree[name] = inner;
  setAt(inner, rest.join('.'), value);
}

function badConfig(issues: readonly SchemaIssue[], tree: Tree, path: string, sources: Map<string, string>) {
  const [first] = issues;
  const key = first === undefined ? '' : dotted(first.path);
  const source = sources.get(key) ?? path;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return new OrchestrateError(
    EXIT.input,
    `${source}: ${first === undefined ? 'not usable' : issueText(first, tree)}${more}`,
    `correct ${source}${source === path ? ' (its keys are listed in ORCHESTRATION_GUIDE.md)' : ''}`,
  );
}

/** One problem, with the key it is about. */
function issueText(issue: SchemaIssue, tree: Tree): string {
  if (issue.keys !== undefined) return issue.keys.map((name) => unknownKey(issue.path, name)).join(', ');
  return `"${dotted(issue.path)}": ${valueProblem(issue, tree, JSON_WORDING)}`;
}

/** The keys that may stand at `path`, one of which may have been meant. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  const place = path.reduce<Schema | undefined>(
    (schema, step) => (typeof step === 'number' ? schema?.items : schema?.properties?.[String(step)]),
    configSchema,
  );
  return Object.keys(place?.properties ?? {});
}

function unknownKey(path: readonly PropertyKey[], name: string): string {
  const meant = nearest(name.slice(0, 60), knownKeys(path));
  const hint = meant === null ? '' : ` (did you mean "${dotted([...path, meant])}"?)`;
  return `unknown key ${JSON.stringify(dotted([...path, name]))}${hint}`;
}
