/** Short names: what a stream is called where its id would repeat what all ids begin with, and what a short name that was typed stands for. */

import { printable } from './printable.ts';

/** Position behind the last separator of what all texts begin with. */
function sharedPrefix(ids: readonly string[]): number {
  const [first, ...rest] = ids;
  if (first === undefined || rest.length === 0) return 0;
  let length = first.length;
  for (const id of rest) {
    let same = 0;
    while (same < length && id[same] === first[same]) same += 1;
    length = same;
  }
  return first.slice(0, length).search(/[-_/.: ][^-_/.: ]*$/) + 1;
}

/** `Stream-B` as `B` when every id of the plan begins with `Stream-`; an id that would become empty stays whole. */
export function shortIds(ids: readonly string[]): ReadonlyMap<string, string> {
  const prefix = sharedPrefix(ids);
  return new Map(ids.map((id) => [id, id.slice(prefix) === '' ? id : id.slice(prefix)]));
}

/** A stream with all that it may be called by; `key` where it has one already. */
export type NamedStream = { readonly id: string; readonly name: string; readonly key: string | null };

/** An arrow before a dependency, and the mark of a name that was cut: rows show them, and they may be copied along. */
const COPIED_ALONG = /^\s*(?:←|<-|→|->)\s*|(?:…|~)\s*$/g;

/** The text as far as it can be seen: what shows nothing gets lost when it is printed and copied. */
function asSeen(text: string): string {
  return printable(text)
    .replace(/\p{Cf}/gu, '')
    .normalize('NFC')
    .trim()
    .toLowerCase();
}

/** True for an id that is not what it looks like when it is printed: it has characters that show nothing. */
export function hidesCharacters(id: string): boolean {
  return /\p{Cf}/u.test(id) || id.normalize('NFC') !== id;
}

/**
 * Ids of the streams that `text` may stand for: by the exact id, else the key, else, without regard to case, by id, short
 * form or name, else by what one of these begins with. Empty for none; several when it is ambiguous.
 */
export function streamsNamed(text: string, streams: readonly NamedStream[]): string[] {
  const short = shortIds(streams.map(({ id }) => id));
  const wanted = (streams.some(({ id }) => id === text) ? text : text.replace(COPIED_ALONG, '')).trim();
  const lower = wanted.toLowerCase();
  if (wanted === '') return [];
  const names = ({ id, name, key }: NamedStream): readonly string[] => [
    id,
    short.get(id) ?? id,
    id.slice(id.search(/[^-_/.: ]*$/)),
    name,
    key ?? '',
  ];
  const rules: readonly ((stream: NamedStream) => boolean)[] = [
    ({ id }) => id === text || id === wanted,
    ({ key }) => key === wanted,
    ({ id }) => id.toLowerCase() === lower,
    ({ id }) => asSeen(id) === asSeen(wanted),
    (stream) => names(stream).some((name) => name.toLowerCase() === lower),
    (stream) => names(stream).some((name) => name.toLowerCase().startsWith(lower)),
  ];
  for (const rule of rules) {
    const found = streams.filter(rule);
    if (found.length > 0) return found.map(({ id }) => id);
  }
  return [];
}

/** Ids among `ids` that begin with `text`, also where `prefix` (as in `TASK-`) was left out, without regard to case. */
export function idsBeginningWith(text: string, ids: readonly string[], prefix: string): string[] {
  const lower = text.trim().toLowerCase();
  if (lower === '') return [];
  const begins = (id: string): boolean =>
    id.toLowerCase().startsWith(lower) || id.toLowerCase().startsWith(prefix.toLowerCase() + lower);
  return ids.filter(begins);
}
