/** Reads YAML or JSON text into plain values that remember their lines; knows nothing of plans but which keys hold text. */
import type { Document, Node, Pair, Scalar } from 'yaml';
import { isAlias, isCollection, isMap, isPair, isScalar, isSeq, visit } from 'yaml';
import { messageOf } from '../core/errors.ts';
import { type PlanFileProblem, parseYaml, wholeFile } from './yaml-text.ts';

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

/** Whether a value holds fewer values than `limit`, each counted as often as it is referred to; ends on circles too. */
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
