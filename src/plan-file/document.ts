/**
 * Reads a file of YAML or JSON, within bounds of size, depth and number of values, into plain values that remember their lines;
 * knows nothing of plans but which keys hold text.
 */
import { createReadStream } from 'node:fs';
import type { Document, Node, Pair, Scalar } from 'yaml';
import {
  Composer,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
  visit,
} from 'yaml';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';

/** Greatest number of values once every alias is written out. */
const MAX_VALUES = 1_000_000;

/** Numbers under these keys, or in a list under them, are texts that need no quotes: `id: 1.10` means "1.10". */
const TEXT_KEYS: ReadonlySet<unknown> = new Set([
  ...['id', 'streamId', 'title', 'name', 'streamName', 'description', 'content', 'agent', 'assignedAgent'],
  ...['dependencies', 'streamDependencies', 'files', 'acceptanceCriteria'],
]);

/** A text that could be read. `lineOf` finds the line of a value, or of a key of the map there; null when there is none. */
export type ReadDocument = {
  readonly value: unknown;
  readonly lineOf: (path: readonly PropertyKey[], key?: string) => number | null;
};

type LineAt = (node: unknown) => number | null;

/** Reads one document. Problems of the syntax come with their lines; an attack by nesting or aliases is one of them. */
export function readDocument(text: string): ReadDocument | readonly PlanFileProblem[] {
  const parsed = parseYaml(text);
  if (!('document' in parsed)) return parsed;
  const { document, lines } = parsed;
  const lineAt: LineAt = (node) => {
    const range = (node as Partial<Node> | null)?.range;
    return range ? lines.linePos(range[0]).line : null;
  };
  const odd = checkNodes(document, lineAt);
  if (odd.length > 0) return odd;
  const valued = toValue(document);
  if (!valued.ok) return [wholeFile(valued.why)];
  return { value: valued.value, lineOf: (path, key) => lineAt(nodeAt(document, path, key)) };
}

/** Refuses what no plan needs and makes text of numbers under keys that hold text. */
function checkNodes(document: Document.Parsed, lineAt: LineAt): PlanFileProblem[] {
  const problems: PlanFileProblem[] = [];
  const refuse = (node: unknown, message: string) => problems.push({ line: lineAt(node), path: '', message });
  visit(document, {
    Map: (_, map) => {
      for (const odd of oddKeys(map.items)) refuse(odd.node, odd.message);
    },
    Scalar: (_, node, path) => {
      if (hasNul(node)) refuse(node, 'a NUL character can be part of no text');
      if (isTextByKey(node, path)) node.value = node.source;
    },
  });
  return problems;
}

function hasNul(node: Scalar): boolean {
  return typeof node.value === 'string' && node.value.includes('\u0000');
}

function isTextByKey(node: Scalar, path: readonly unknown[]): boolean {
  return typeof node.value === 'number' && node.source !== undefined && TEXT_KEYS.has(nearestKey(path));
}

function nearestKey(path: readonly unknown[]): unknown {
  const pair = path.findLast((ancestor) => isPair(ancestor));
  return isPair<Scalar, unknown>(pair) ? pair.key.value : undefined;
}

function oddKeys(pairs: readonly Pair<unknown, unknown>[]): { node: unknown; message: string }[] {
  const seen = new Set<unknown>();
  return pairs.flatMap(({ key }) => {
    if (!isScalar(key) || typeof key.value !== 'string')
      return [{ node: key, message: 'a key must be a word' }];
    if (seen.has(key.value))
      return [{ node: key, message: `the key ${JSON.stringify(key.value)} is given twice` }];
    seen.add(key.value);
    return [];
  });
}

type Valued = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string };

function toValue(document: Document.Parsed): Valued {
  try {
    const value: unknown = document.toJS({ maxAliasCount: 10_000 });
    if (countsBelow(value, MAX_VALUES)) return { ok: true, value };
    return { ok: false, why: 'it stands for too many values' };
  } catch (error) {
    return { ok: false, why: messageOf(error) };
  }
}

/** Whether a value holds fewer values than `limit`, each counted as often as it is referred to; ends on cycles too. */
function countsBelow(value: unknown, limit: number): boolean {
  const open = [value];
  for (let count = 0; open.length > 0; count += 1) {
    if (count + open.length >= limit) return false;
    const next = open.pop();
    if (typeof next === 'object' && next !== null) for (const inner of Object.values(next)) open.push(inner);
  }
  return true;
}

/** The node at a path, or the nearest one above it; with `key` the key of that name there. */
function nodeAt(document: Document.Parsed, path: readonly PropertyKey[], key: string | undefined): unknown {
  let node: unknown = document.contents;
  for (const step of path) {
    const inner = childOf(resolved(document, node), step);
    if (inner === undefined) return node;
    node = inner;
  }
  const pair = key === undefined ? undefined : pairAt(resolved(document, node), key);
  return pair?.key ?? node;
}

/** A value without a text of its own, as in `id:`, is found by its key. */
function childOf(node: unknown, step: PropertyKey): unknown {
  if (isSeq(node) && typeof step === 'number') return node.items[step] ?? undefined;
  const pair = pairAt(node, step);
  return isAlias(pair?.value) || isScalar(pair?.value) || isCollection(pair?.value) ? pair.value : pair?.key;
}

function pairAt(node: unknown, key: PropertyKey): Pair<Scalar, unknown> | undefined {
  return isMap<Scalar, unknown>(node) ? node.items.find((pair) => pair.key.value === key) : undefined;
}

function resolved(document: Document.Parsed, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

/** One thing wrong with a plan file. */
export type PlanFileProblem = {
  /** Counted from 1; null where no line is to blame. */
  readonly line: number | null;
  /** Where in the plan, e.g. `streams[0].tasks[2].title`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
};

/** Greatest size of a plan file in bytes. */
const MAX_PLAN_BYTES = 5 * 1024 * 1024;
/** Greatest number of maps and lists within each other, each with its entries counted apart. */
const MAX_DEPTH = 100;

/** Parsed text: the document, and its line breaks. */
type YamlText = { readonly document: Document.Parsed; readonly lines: LineCounter };

/** What to do about the mistakes that are easily made; the parser's own words for them name what YAML calls them. */
const SYNTAX: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY: 'quote text that contains ": "',
  MULTILINE_IMPLICIT_KEY: 'a ":" is missing after the key, or text of several lines needs quotes',
  BAD_INDENT: 'lines that belong together must be indented alike',
  TAB_AS_INDENT: 'indent with spaces, not tabs',
  BAD_SCALAR_START: 'quote text that begins with @ or a backtick',
};

/** The one document of a text, or what is wrong with it, by line. */
function parseYaml(text: string): YamlText | readonly PlanFileProblem[] {
  if (Buffer.byteLength(text) > MAX_PLAN_BYTES) {
    return [wholeFile(`it is larger than ${MAX_PLAN_BYTES / 1024 / 1024} MB`)];
  }
  const lines = new LineCounter();
  const documents: Document.Parsed[] = [];
  try {
    // Repeated keys are left to the caller: the composer's own check compares each key of a map with every other one.
    const composer = new Composer({ uniqueKeys: false, prettyErrors: false, version: '1.2' });
    for (const one of composer.compose(tokensOf(text, lines), true, text.length)) {
      if (documents.push(one) > 1) return [wholeFile('it holds more than one document')];
    }
  } catch (error) {
    return [wholeFile(error instanceof RangeError ? 'it is nested too deeply' : messageOf(error))];
  }
  const [document] = documents;
  if (document === undefined) return [wholeFile('it is empty')];
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length === 0) return { document, lines };
  return wrong.map(({ code, message, pos }) => ({
    line: lines.linePos(pos[0]).line,
    path: '',
    message: SYNTAX[code] ?? message,
  }));
}

/** A problem that no line is to blame for. */
function wholeFile(message: string): PlanFileProblem {
  return { line: null, path: '', message };
}

/** Tokens as the parser makes them. Stops at a depth that no plan has, since composing recurses. */
function* tokensOf(text: string, lines: LineCounter) {
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > MAX_DEPTH) throw new RangeError('nested too deeply');
  }
  yield* parser.end();
}

/** Why a file cannot be read, by the system's code. */
const UNREADABLE: Readonly<Record<string, (shown: string) => string>> = {
  ENOENT: (shown) => `no such file: ${shown}`,
  ENOTDIR: (shown) => `no such file: ${shown}`,
  EISDIR: (shown) => `${shown} is a directory, not a file`,
  EACCES: (shown) => `no permission to read ${shown}`,
};

/**
 * The text of the file (or pipe) at `path`. `typed` is how the user named it. Of a larger file than a plan may be only as much is read as shows
 * that it is.
 * Throws exit 7 when it cannot be read or is not UTF-8.
 */
export async function readPlanFile(path: string, typed = path): Promise<string> {
  const shown = printable(typed, 200);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { end: MAX_PLAN_BYTES }))
      chunks.push(Buffer.from(chunk));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const message = UNREADABLE[code]?.(shown) ?? `cannot read ${shown}: ${messageOf(error)}`;
    const fix = 'give the path of a plan file; its form is in ORCHESTRATION_GUIDE.md';
    throw new OrchestrateError(EXIT.input, message, fix, { cause: error });
  }
  const bytes = Buffer.concat(chunks);
  // The last character of a file cut off by the bound may be half: its size is refused, not its encoding.
  if (bytes.length > MAX_PLAN_BYTES) return bytes.toString('latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const message = `${shown} is not text in UTF-8`;
    throw new OrchestrateError(EXIT.input, message, 'save it as UTF-8', { cause: error });
  }
}
