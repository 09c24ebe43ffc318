/** The graph of streams: order, depths, dependents and cycles; knows ids and dependencies only. Nothing here recurses. */

/** What the graph needs of a stream. */
export type GraphNode = { readonly id: string; readonly dependencies: readonly string[] };

/** Streams by their position in the plan. Dependencies on unknown streams and on oneself are no edges. */
export type StreamGraph = {
  readonly ids: readonly string[];
  /** Positions of each stream's dependencies. */
  readonly dependencies: readonly (readonly number[])[];
  /** Positions of the streams that depend on each one. */
  readonly dependents: readonly (readonly number[])[];
  /** Positions, every stream after its dependencies; streams on a cycle or behind one are not in it. */
  readonly order: readonly number[];
};

/** A plan stays the same object until the store changes, so its graph is made once. */
const graphs = new WeakMap<readonly GraphNode[], StreamGraph>();

/** The graph of a plan's streams; the same array gives the same graph. */
export function streamGraph(streams: readonly GraphNode[]): StreamGraph {
  const known = graphs.get(streams);
  if (known !== undefined) return known;
  const graph = buildGraph(streams);
  graphs.set(streams, graph);
  return graph;
}

function buildGraph(streams: readonly GraphNode[]): StreamGraph {
  const position = new Map(streams.map((stream, at) => [stream.id, at]));
  const dependents: number[][] = streams.map(() => []);
  const dependencies = streams.map((stream, at) => {
    const edges = new Set<number>();
    for (const id of stream.dependencies) {
      const to = position.get(id);
      if (to !== undefined && to !== at) edges.add(to);
    }
    for (const to of edges) dependents[to]?.push(at);
    return [...edges];
  });
  const ids = streams.map((stream) => stream.id);
  return { ids, dependencies, dependents, order: orderOf(dependencies, dependents) };
}

/** Kahn's algorithm, in plan order among equals. */
function orderOf(dependencies: readonly number[][], dependents: readonly number[][]): number[] {
  const missing = dependencies.map((edges) => edges.length);
  const order: number[] = [];
  missing.forEach((count, at) => {
    if (count === 0) order.push(at);
  });
  // The list grows while it is walked: each stream is appended once its last dependency has been passed.
  for (const at of order) {
    for (const next of dependents[at] ?? []) {
      const left = (missing[next] ?? 0) - 1;
      missing[next] = left;
      if (left === 0) order.push(next);
    }
  }
  return order;
}

/**
 * Depth of each stream: the length of the longest way to it from a stream without dependencies, which has 0. Streams on
 * a cycle or behind one come last, all one deeper than the deepest other stream.
 */
export function streamDepths(streams: readonly GraphNode[]): Map<string, number> {
  const { ids, dependencies, order } = streamGraph(streams);
  const depths = new Array<number>(ids.length).fill(-1);
  let deepest = -1;
  for (const at of order) {
    let depth = 0;
    for (const to of dependencies[at] ?? []) depth = Math.max(depth, (depths[to] ?? 0) + 1);
    depths[at] = depth;
    deepest = Math.max(deepest, depth);
  }
  return new Map(ids.map((id, at) => [id, depths[at] === -1 ? deepest + 1 : (depths[at] ?? 0)]));
}

/** The streams in the order in which they are built: dependencies before dependents, equals in plan order. */
export function inBuildOrder<Stream extends GraphNode>(streams: readonly Stream[]): readonly Stream[] {
  const depths = streamDepths(streams);
  return [...streams].sort((a, b) => (depths.get(a.id) ?? 0) - (depths.get(b.id) ?? 0));
}

/** Stream ids by depth, each level in plan order. */
export function streamLevels(streams: readonly GraphNode[]): string[][] {
  const levels: string[][] = [];
  for (const [id, depth] of streamDepths(streams)) {
    const level = levels[depth] ?? [];
    level.push(id);
    levels[depth] = level;
  }
  return levels;
}

/** Ids of the streams on a cycle or behind one, in plan order. */
export function unorderedStreams(streams: readonly GraphNode[]): string[] {
  const { ids, order } = streamGraph(streams);
  const ordered = new Set(order);
  return ids.filter((_, at) => !ordered.has(at));
}
