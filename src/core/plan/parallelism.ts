/** How many streams of a plan can be at work at the same time, and which pairs of them. */
import type { GraphNode } from './graph.ts';
import { streamGraph, streamLevels } from './graph.ts';

/** Above this many streams the exact width costs seconds. */
const EXACT_UP_TO = 300;

/** Which stream must be done before which; asked by position in the plan. */
export type Reachability = (from: number, to: number) => boolean;

/**
 * Says of two positions whether the stream at `from` comes, directly or not, before the one at `to`. One bit a pair, so
 * 10,000 streams take 12 MB. Streams on a cycle or behind one come after nothing.
 */
export function reachability(streams: readonly GraphNode[]): Reachability {
  const { ids, dependencies, order } = streamGraph(streams);
  const words = Math.ceil(ids.length / 32);
  const before = new Uint32Array(ids.length * words);
  for (const at of order) {
    for (const to of dependencies[at] ?? []) {
      for (let word = 0; word < words; word += 1) {
        before[at * words + word] = (before[at * words + word] ?? 0) | (before[to * words + word] ?? 0);
      }
      const own = at * words + (to >>> 5);
      before[own] = (before[own] ?? 0) | (1 << (to & 31));
    }
  }
  return (from, to) => ((before[to * words + (from >>> 5)] ?? 0) & (1 << (from & 31))) !== 0;
}

/**
 * The greatest number of streams that can run at once: the largest set in which none waits for another. Exact up to 300
 * streams; above that the size of the fullest depth, which is a lower bound. Streams on a cycle or behind one don't count.
 */
export function maxParallel(streams: readonly GraphNode[]): number {
  const { order, ids } = streamGraph(streams);
  if (order.length > EXACT_UP_TO) {
    const ordered = new Set(order.map((at) => ids[at]));
    return Math.max(...streamLevels(streams).map((level) => level.filter((id) => ordered.has(id)).length));
  }
  return order.length - largestMatching(order, reachability(streams));
}

/** Dilworth: the width of an order is its size less a largest matching of streams with streams that come after them. */
function largestMatching(order: readonly number[], precedes: Reachability): number {
  const matchedTo = new Map<number, number>();
  let size = 0;
  for (const from of order) {
    if (augment(from, order, precedes, matchedTo, new Set())) size += 1;
  }
  return size;
}

/** One augmenting path (Kuhn); recursion is bounded by the number of streams, 300 at most. */
function augment(
  from: number,
  order: readonly number[],
  precedes: Reachability,
  matchedTo: Map<number, number>,
  tried: Set<number>,
): boolean {
  for (const to of order) {
    if (tried.has(to) || !precedes(from, to)) continue;
    tried.add(to);
    const rival = matchedTo.get(to);
    if (rival === undefined || augment(rival, order, precedes, matchedTo, tried)) {
      matchedTo.set(to, from);
      return true;
    }
  }
  return false;
}
