/** Changes one member of an object inside JSON text and leaves every other byte as it is; knows no file. */
import { type Node, parseTree } from 'jsonc-parser';

/**
 * The text with `parent.key` set to `value`; `parent` is a key of the top object and is made when missing. The text must be
 * valid JSON whose top is an object, and so must `parent` be when it is there.
 */
export function setMember(text: string, parent: string, key: string, value: unknown): string {
  const top = parseTree(text);
  const style = styleOf(text, top);
  const holder = memberOf(top, parent);
  if (holder === undefined) return insert(text, top, parent, { [key]: value }, { ...style, depth: 0 });
  const known = valueNode(memberOf(valueNode(holder), key));
  if (known === undefined) return insert(text, valueNode(holder), key, value, { ...style, depth: 1 });
  return text.slice(0, known.offset) + valueText(value, { ...style, depth: 1 }) + text.slice(endOf(known));
}

/** The text without `parent.key`; as it was when there is no such member. */
export function removeMember(text: string, parent: string, key: string): string {
  const holder = valueNode(memberOf(parseTree(text), parent));
  const member = memberOf(holder, key);
  if (holder === undefined || member === undefined) return text;
  const members = holder.children ?? [];
  const at = members.indexOf(member);
  const [before, after] = [members[at - 1], members[at + 1]];
  if (after !== undefined) return text.slice(0, member.offset) + text.slice(after.offset);
  if (before !== undefined) return text.slice(0, endOf(before)) + text.slice(endOf(member));
  return text.slice(0, holder.offset + 1) + text.slice(endOf(holder) - 1);
}

/** Of several members of one name the last counts, as it does for JSON.parse; jsonc-parser's own look-up takes the first. */
function memberOf(object: Node | undefined, key: string): Node | undefined {
  return object?.children?.findLast(({ children }) => children?.[0]?.value === key);
}

function valueNode(member: Node | undefined): Node | undefined {
  return member?.children?.[1];
}

function endOf({ offset, length }: Node): number {
  return offset + length;
}

/** How the text is laid out: `unit` is null when it is all on one line. */
type Style = { readonly unit: string | null; readonly lineEnd: string };
type Place = Style & { readonly depth: number };

function styleOf(text: string, top: Node | undefined): Style {
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const first = top?.children?.[0];
  if (first === undefined) return { unit: '  ', lineEnd };
  const indent = /\n([ \t]*)$/.exec(text.slice(0, first.offset));
  return { unit: indent === null ? null : indent[1] || '  ', lineEnd };
}

/** Puts a member last in `object`. By hand: `modify` of jsonc-parser would change the layout of the lines around it. */
function insert(text: string, object: Node | undefined, key: string, value: unknown, place: Place): string {
  if (object?.type !== 'object') throw new Error('only an object has members');
  const { unit, depth, lineEnd } = place;
  const member = `${JSON.stringify(key)}:${unit === null ? '' : ' '}${valueText(value, place)}`;
  const last = object.children?.at(-1);
  const newLine = unit === null ? '' : lineEnd + unit.repeat(depth + 1);
  if (last !== undefined)
    return `${text.slice(0, endOf(last))},${newLine}${member}${text.slice(endOf(last))}`;
  const closing = unit === null ? '' : lineEnd + unit.repeat(depth);
  return text.slice(0, object.offset + 1) + newLine + member + closing + text.slice(endOf(object) - 1);
}

/** The value as it stands behind a key at `depth`. */
function valueText(value: unknown, { unit, depth, lineEnd }: Place): string {
  if (unit === null) return JSON.stringify(value);
  return JSON.stringify(value, null, unit).replaceAll('\n', lineEnd + unit.repeat(depth + 1));
}
