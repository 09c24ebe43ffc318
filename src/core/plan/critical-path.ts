/** Longest chains of work through a plan, counted in open tasks. */

import type { PlanStream } from '../types.ts';
import { streamGraph } from './graph.ts';

type WeighedStream = Pick<PlanStream, 'id' | 'dependencies' | 'openTasks'>;

/** Work that a stream stands for: its open tasks, and one at least, since checking a finished stream takes time too. */
function weightOf(stream: WeighedStream | undefined): number {
  return Math.max(1, stream?.openTasks.length ?? 0);
}

/**
 * For each stream the weight of the heaviest chain that begins with it and goes on through its dependents; itself
 * included. Streams on a cycle or behind one weigh only themselves.
 */
export function remainingPaths(streams: readonly WeighedStream[]): Map<string, number> {
  const { ids, dependents, order } = streamGraph(streams);
  const weights = streams.map(weightOf);
  // Until its turn comes, and for ever on a cycle, a stream has no chain to add to those before it.
  const chains = new Array<number>(ids.length).fill(0);
  for (const at of order.toReversed()) {
    let longest = 0;
    for (const next of dependents[at] ?? []) longest = Math.max(longest, chains[next] ?? 0);
    chains[at] = (weights[at] ?? 0) + longest;
  }
  return new Map(ids.map((id, at) => [id, chains[at] || (weights[at] ?? 0)]));
}

/**
 * The heaviest chain of the plan, first stream first; among equals the one that comes first in the plan. Streams on a
 * cycle or behind one are on no chain.
 */
export function criticalPath(streams: readonly WeighedStream[]): string[] {
  const { ids, dependents, order } = streamGraph(streams);
  const remaining = remainingPaths(streams);
  const ordered = new Set(order);
  const weight = (at: number) => remaining.get(ids[at] ?? '') ?? 0;
  const path: string[] = [];
  // A chain of the greatest weight begins at a root: with a dependency before it, it would weigh more.
  let at = heaviest(order, weight);
  while (at !== undefined) {
    path.push(ids[at] ?? '');
    at = heaviest(
      (dependents[at] ?? []).filter((next) => ordered.has(next)),
      weight,
    );
  }
  return path;
}

function heaviest(candidates: readonly number[], weight: (at: number) => number): number | undefined {
  let best: number | undefined;
  for (const at of candidates) {
    if (best === undefined || weight(at) > weight(best)) best = at;
  }
  return best;
}
