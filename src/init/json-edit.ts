/** Changes one member of an object inside JSON text and leaves every other byte as it is; knows no file. */

/** One member of an object, by positions in the text. */
type Member = {
  readonly key: string;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
};

/** An object: the positions of its braces, and what is between them. */
type Span = { readonly open: number; readonly close: number; readonly members: readonly Member[] };

/**
 * The text with `parent.key` set to `value`; `parent` is a key of the top object and is made when missing. The text must be
 * valid JSON whose top is an object, and so must `parent` be when it is there.
 */
export function setMember(text: string, parent: string, key: string, value: unknown): string {
  const style = styleOf(text);
  const top = readObject(text, text.indexOf('{'));
  const holder = find(top, parent);
  if (holder === undefined) return insert(text, top, parent, { [key]: value }, { ...style, depth: 0 });
  const span = readObject(text, holder.valueStart);
  const known = find(span, key);
  if (known === undefined) return insert(text, span, key, value, { ...style, depth: 1 });
  return text.slice(0, known.valueStart) + valueText(value, { ...style, depth: 1 }) + text.slice(known.end);
}

/** The text without `parent.key`; as it was when there is no such member. */
export function removeMember(text: string, parent: string, key: string): string {
  const holder = find(readObject(text, text.indexOf('{')), parent);
  if (holder === undefined) return text;
  const { open, close, members } = readObject(text, holder.valueStart);
  const at = members.findIndex((member) => member.key === key);
  const [before, member, after] = [members[at - 1], members[at], members[at + 1]];
  if (member === undefined) return text;
  if (after !== undefined) return text.slice(0, member.start) + text.slice(after.start);
  if (before !== undefined) return text.slice(0, before.end) + text.slice(member.end);
  return text.slice(0, open + 1) + text.slice(close);
}

/** Of several members of one name the last counts, as it does for JSON.parse. */
function find({ members }: Span, key: string): Member | undefined {
  return members.findLast((member) => member.key === key);
}

/** How the text is laid out: `unit` is null when it is all on one line. */
type Style = { readonly unit: string | null; readonly lineEnd: string };
type Place = Style & { readonly depth: number };

function styleOf(text: string): Style {
  const indent = /\{[ \t]*\r?\n([ \t]*)"/.exec(text);
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  if (indent !== null) return { unit: indent[1] || '  ', lineEnd };
  return { unit: /^\s*\{\s*\}\s*$/.test(text) ? '  ' : null, lineEnd };
}

function insert(text: string, span: Span, key: string, value: unknown, place: Place): string {
  const { unit, depth, lineEnd } = place;
  const member = `${JSON.stringify(key)}:${unit === null ? '' : ' '}${valueText(value, place)}`;
  const last = span.members.at(-1);
  const newLine = unit === null ? '' : lineEnd + unit.repeat(depth + 1);
  if (last !== undefined) return `${text.slice(0, last.end)},${newLine}${member}${text.slice(last.end)}`;
  const closing = unit === null ? '' : lineEnd + unit.repeat(depth);
  return text.slice(0, span.open + 1) + newLine + member + closing + text.slice(span.close);
}

/** The value as it stands behind a key at `depth`. */
function valueText(value: unknown, { unit, depth, lineEnd }: Place): string {
  if (unit === null) return JSON.stringify(value);
  return JSON.stringify(value, null, unit).replaceAll('\n', lineEnd + unit.repeat(depth + 1));
}

/** Reads the object whose brace is at `open`. */
function readObject(text: string, open: number): Span {
  const members: Member[] = [];
  let at = skipSpace(text, open + 1);
  while (text[at] === '"') {
    const keyEnd = skipString(text, at);
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, valueStart);
    members.push({ key: JSON.parse(text.slice(at, keyEnd)), start: at, valueStart, end });
    const next = skipSpace(text, end);
    at = text[next] === ',' ? skipSpace(text, next + 1) : next;
  }
  return { open, close: at, members };
}

function skipSpace(text: string, from: number): number {
  return match(/\s*/y, text, from);
}

function skipString(text: string, from: number): number {
  return match(/"(?:[^"\\]|\\.)*"/y, text, from);
}

function skipValue(text: string, from: number): number {
  if (text[from] === '"') return skipString(text, from);
  if (text[from] !== '{' && text[from] !== '[') return match(/[^\s,\]}]*/y, text, from);
  let depth = 0;
  let at = from;
  do {
    const character = text[at];
    if (character === '{' || character === '[') depth += 1;
    if (character === '}' || character === ']') depth -= 1;
    at = character === '"' ? skipString(text, at) : at + 1;
  } while (depth > 0);
  return at;
}

/** Where a sticky pattern ends when it matches at `from`. */
function match(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : from;
}
