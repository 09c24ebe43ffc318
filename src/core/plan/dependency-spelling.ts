/** Finds the stream that a dependency means: its id, or the title of a task in the spellings that planners use. */
import type { StreamTask } from './plan-row.ts';

/** What a spelling means: a stream; the order of tasks within the depending stream itself; or nothing known. */
export type Meaning =
  | { readonly kind: 'stream'; readonly id: string }
  | { readonly kind: 'sibling' }
  | { readonly kind: 'unknown'; readonly why: 'no-such-stream' | 'ambiguous-title' };

/** Longer spellings are titles as a whole or nothing; keeps the search for an id in front short. */
const MAX_PREFIX = 300;

/**
 * A function that says what a dependency declared by `task` means. A stream id goes first, as spelled or without the
 * spaces around it; then `[Stream-A] Title` and `Stream-A: Title` with any title; then the whole title of a task. A task
 * may name another one of its own stream by title: that is no dependency between streams.
 */
export function dependencyMeaning(
  groups: ReadonlyMap<string, readonly StreamTask[]>,
): (spelling: string, task: StreamTask) => Meaning {
  // Most plans spell ids only, so titles are indexed when the first one is met.
  let titles: ReadonlyMap<string, StreamTask[]> | null = null;
  return (spelling, task) => {
    if (groups.has(spelling)) return { kind: 'stream', id: spelling };
    const text = spelling.trim();
    if (groups.has(text)) return { kind: 'stream', id: text };
    titles ??= tasksByTitle(groups);
    return titleMeaning(text, titles.get(spelling) ?? titles.get(text) ?? [], task, groups);
  };
}

function titleMeaning(
  text: string,
  titled: readonly StreamTask[],
  task: StreamTask,
  groups: ReadonlyMap<string, unknown>,
): Meaning {
  if (titled.some((other) => other.stream === task.stream && other !== task)) return { kind: 'sibling' };
  const prefix = prefixOf(text, groups);
  if (prefix !== null) return { kind: 'stream', id: prefix };
  const owners = [...new Set(titled.map((other) => other.stream))];
  if (owners.length > 1) return { kind: 'unknown', why: 'ambiguous-title' };
  const owner = owners[0];
  return owner === undefined ? { kind: 'unknown', why: 'no-such-stream' } : { kind: 'stream', id: owner };
}

function tasksByTitle(groups: ReadonlyMap<string, readonly StreamTask[]>): Map<string, StreamTask[]> {
  const titles = new Map<string, StreamTask[]>();
  for (const task of [...groups.values()].flat()) {
    const same = titles.get(task.row.title);
    if (same === undefined) titles.set(task.row.title, [task]);
    else same.push(task);
  }
  return titles;
}

/** The longest stream id that stands in brackets or before a colon at the beginning of a text. */
function prefixOf(text: string, streams: ReadonlyMap<string, unknown>): string | null {
  const start = text.slice(0, MAX_PREFIX);
  const bracketed = start.startsWith('[');
  const from = bracketed ? 1 : 0;
  const mark = bracketed ? ']' : ':';
  for (let end = start.lastIndexOf(mark); end > from; end = start.lastIndexOf(mark, end - 1)) {
    const id = start.slice(from, end);
    const found = [id, id.trim()].find((candidate) => streams.has(candidate));
    if (found !== undefined) return found;
  }
  return null;
}
