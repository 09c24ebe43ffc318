/** Finds files that two streams name which may run side by side; compares patterns as texts and looks at no disk. */
import type { GraphNode } from './graph.ts';
import { reachability } from './parallelism.ts';

/** Two streams that may run at the same time and name the same files; `files` are their patterns, two where they differ. */
export type FileOverlap = { readonly streams: readonly [string, string]; readonly files: readonly string[] };

type FilePattern = {
  readonly stream: number;
  readonly text: string;
  readonly segments: readonly string[];
  /** The part before the first wildcard, each segment followed by `/`; a prefix of it is a directory above it. */
  readonly fixed: string;
};

/**
 * Overlapping patterns of streams neither of which waits for the other, in plan order, `limit` pairs of streams at most.
 * A pattern is a file, a directory (all below it) or a text with `*`, `?` and `**`.
 */
export function fileOverlaps(
  streams: readonly (GraphNode & { readonly files: readonly string[] })[],
  limit = 500,
): FileOverlap[] {
  const patterns = patternsOf(streams);
  const precedes = reachability(streams);
  const found = new Map<string, { at: [number, number]; files: string[] }>();
  forEachNested(patterns, (outer, inner) => {
    const pair = [Math.min(outer.stream, inner.stream), Math.max(outer.stream, inner.stream)] as const;
    if (pair[0] === pair[1] || precedes(pair[0], pair[1]) || precedes(pair[1], pair[0])) return true;
    if (!mayShareFiles(outer.segments, inner.segments)) return true;
    const name = `${pair[0]} ${pair[1]}`;
    const overlap = found.get(name) ?? { at: [pair[0], pair[1]], files: [] };
    overlap.files = [...new Set([...overlap.files, outer.text, inner.text])];
    found.set(name, overlap);
    return found.size < limit;
  });
  const id = (at: number) => streams[at]?.id ?? '';
  return [...found.values()]
    .sort((a, b) => a.at[0] - b.at[0] || a.at[1] - b.at[1])
    .map(({ at, files }) => ({ streams: [id(at[0]), id(at[1])], files }));
}

function patternsOf(streams: readonly { readonly files: readonly string[] }[]): FilePattern[] {
  const patterns = streams.flatMap((stream, at) =>
    stream.files.map((text) => {
      const segments = text.split('/').filter((segment) => segment !== '' && segment !== '.');
      const wild = segments.findIndex((segment) => /[*?]/.test(segment));
      const fixed = (wild === -1 ? segments : segments.slice(0, wild))
        .map((segment) => `${segment}/`)
        .join('');
      return { stream: at, text, segments, fixed };
    }),
  );
  return patterns.sort((a, b) => (a.fixed < b.fixed ? -1 : a.fixed > b.fixed ? 1 : a.stream - b.stream));
}

/**
 * Calls `visit` for each two patterns the fixed part of one of which lies within that of the other, until it returns
 * false. In sorted order everything below a directory follows it directly, so a stack of enclosing patterns is enough.
 */
function forEachNested(
  patterns: readonly FilePattern[],
  visit: (outer: FilePattern, inner: FilePattern) => boolean,
): void {
  const enclosing: FilePattern[] = [];
  for (const pattern of patterns) {
    for (
      let top = enclosing.at(-1);
      top !== undefined && !pattern.fixed.startsWith(top.fixed);
      top = enclosing.at(-1)
    ) {
      enclosing.pop();
    }
    for (const outer of enclosing) {
      if (!visit(outer, pattern)) return;
    }
    enclosing.push(pattern);
  }
}

/** Whether some path is covered by both patterns; each covers also what lies below the paths it names. */
function mayShareFiles(a: readonly string[], b: readonly string[]): boolean {
  return patternsMeet(a, b, { star: '**', open: true, meet: segmentsMeet });
}

/** Whether some name fits both segments, where `*` stands for any characters and `?` for one. */
function segmentsMeet(a: string, b: string): boolean {
  if (!/[*?]/.test(a) && !/[*?]/.test(b)) return a === b;
  const meet = (one: string, other: string) => one === other || one === '?' || other === '?';
  return patternsMeet([...a], [...b], { star: '*', open: false, meet });
}

/** Patterns of more than so many pairs of elements are no honest file names; they count as meeting. */
const MAX_CELLS = 1_000_000;

type PatternRules = {
  /** The element that stands for any number of others. */
  readonly star: string;
  /** Whether a pattern goes on behind its end with anything. */
  readonly open: boolean;
  readonly meet: (a: string, b: string) => boolean;
};

/** Whether some sequence fits both patterns; fills a table of "the rest of a from i and of b from j meet" from its end. */
function patternsMeet(a: readonly string[], b: readonly string[], rules: PatternRules): boolean {
  const width = b.length + 1;
  if ((a.length + 1) * width > MAX_CELLS) return true;
  const table = new Uint8Array((a.length + 1) * width);
  for (let i = a.length; i >= 0; i -= 1) {
    for (let j = b.length; j >= 0; j -= 1) {
      table[i * width + j] = restsMeet(a[i], b[j], rules, (di, dj) => table[(i + di) * width + j + dj] === 1)
        ? 1
        : 0;
    }
  }
  return table[0] === 1;
}

/** One cell of the table; undefined is the end of a pattern, `after` the cell so many elements further on. */
function restsMeet(
  a: string | undefined,
  b: string | undefined,
  { star, open, meet }: PatternRules,
  after: (di: number, dj: number) => boolean,
): boolean {
  if (a === undefined && b === undefined) return true;
  if (a === undefined) return open || (b === star && after(0, 1));
  if (b === undefined) return open || (a === star && after(1, 0));
  if (a === star || b === star) return after(1, 0) || after(0, 1);
  return meet(a, b) && after(1, 1);
}
