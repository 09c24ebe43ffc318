/** Finds the cycles of a plan, so that each can be shown with its whole path. */
import type { GraphNode, StreamGraph } from './graph.ts';
import { streamGraph } from './graph.ts';

/**
 * One cycle of each knot of streams that depend on each other: ids such that every one depends on the next and the last
 * on the first, a shortest one through the knot's first stream in plan order. A stream that names only itself is no knot.
 */
export function findCycles(streams: readonly GraphNode[]): string[][] {
  const graph = streamGraph(streams);
  if (graph.order.length === graph.ids.length) return [];
  const knots = knotOf(graph);
  const cycles: string[][] = [];
  const seen = new Set<number>();
  knots.forEach((knot, at) => {
    if (knot === -1 || seen.has(knot)) return;
    seen.add(knot);
    const path = shortestCycle(graph, knots, at);
    if (path.length > 1) cycles.push(path.map((member) => graph.ids[member] ?? ''));
  });
  return cycles;
}

/** The knot (strongly connected component) that each stream belongs to; -1 for streams that can be ordered. */
function knotOf(graph: StreamGraph): number[] {
  const knots = new Array<number>(graph.ids.length).fill(-1);
  const passed = new Array<boolean>(graph.ids.length).fill(false);
  for (const at of graph.order) passed[at] = true;
  // Kosaraju: the order in which walks along the dependencies finish, reversed, then walks along the dependents.
  const finished: number[] = [];
  for (let at = 0; at < passed.length; at += 1)
    walk(graph.dependencies, at, passed, (done) => finished.push(done));
  const taken = new Array<boolean>(graph.ids.length).fill(false);
  for (const at of graph.order) taken[at] = true;
  for (const root of finished.reverse()) {
    walk(graph.dependents, root, taken, (member) => {
      knots[member] = root;
    });
  }
  return knots;
}

/** Depth-first walk from `start` over what is not in `visited`; `leave` is called as each position is finished. */
function walk(
  edges: readonly (readonly number[])[],
  start: number,
  visited: boolean[],
  leave: (at: number) => void,
): void {
  if (visited[start] === true) return;
  visited[start] = true;
  const stack = [{ at: start, next: 0 }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const to = edges[top.at]?.[top.next];
    top.next += 1;
    if (to === undefined) {
      leave(top.at);
      stack.pop();
    } else if (visited[to] !== true) {
      visited[to] = true;
      stack.push({ at: to, next: 0 });
    }
  }
}

/** Breadth-first along the dependencies, inside the knot of `start`, until one leads back to it. */
function shortestCycle(graph: StreamGraph, knots: readonly number[], start: number): number[] {
  const cameFrom = new Map<number, number>();
  const queue = [start];
  for (const at of queue) {
    for (const to of graph.dependencies[at] ?? []) {
      if (to === start) return pathTo(at, start, cameFrom);
      if (knots[to] !== knots[start] || cameFrom.has(to)) continue;
      cameFrom.set(to, at);
      queue.push(to);
    }
  }
  return [];
}

function pathTo(end: number, start: number, cameFrom: ReadonlyMap<number, number>): number[] {
  const path = [end];
  for (let at = cameFrom.get(end); at !== undefined && path.at(-1) !== start; at = cameFrom.get(at))
    path.push(at);
  return path.reverse();
}
