/** Order, depths, cycles, chains and widths of plans, against small tables and against slow, obvious definitions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { criticalPath, remainingPaths } from '../../src/core/plan/critical-path.ts';
import { findCycles } from '../../src/core/plan/cycles.ts';
import type { GraphNode } from '../../src/core/plan/graph.ts';
import { streamDepths, streamGraph, streamLevels, unorderedStreams } from '../../src/core/plan/graph.ts';
import { maxParallel, reachability } from '../../src/core/plan/parallelism.ts';

type Node = GraphNode & { openTasks: string[] };
const node = (id: string, dependencies: string[] = [], open = 1): Node => ({
  id,
  dependencies,
  openTasks: Array.from({ length: open }, (_, at) => `${id}${at}`),
});
const diamond = [node('A', [], 3), node('B', ['A'], 4), node('C', ['A'], 3), node('Z', ['B', 'C'], 2)];
const chain = (length: number) =>
  Array.from({ length }, (_, at) => node(`s${at}`, at === 0 ? [] : [`s${at - 1}`]));

/** A plan without cycles: each stream depends on some of those before it, in shuffled plan order. */
const acyclic = fc
  .array(fc.tuple(fc.array(fc.nat(), { maxLength: 4 }), fc.integer({ min: 0, max: 5 })), { maxLength: 14 })
  .map((rows) =>
    rows.map(([picks, open], at) =>
      node(`s${at}`, at === 0 ? [] : picks.map((pick) => `s${pick % at}`), open),
    ),
  )
  .chain((nodes) => fc.shuffledSubarray(nodes, { minLength: nodes.length }));
/** Any plan at all: cycles, self and unknown dependencies. */
const anyPlan = fc.array(fc.array(fc.nat({ max: 12 }), { maxLength: 3 }), { maxLength: 10 }).map((rows) =>
  rows.map((picks, at) =>
    node(
      `s${at}`,
      picks.map((pick) => `s${pick}`),
    ),
  ),
);

/** Whether `from` comes before `to`, by the definition. */
function comesBefore(
  nodes: readonly GraphNode[],
  from: string,
  to: string,
  seen = new Set<string>(),
): boolean {
  const target = nodes.find((one) => one.id === to);
  return (target?.dependencies ?? []).some((id) => {
    if (id === from) return true;
    if (seen.has(id)) return false;
    seen.add(id);
    return comesBefore(nodes, from, id, seen);
  });
}

test('depth is the longest way from a root', () => {
  const streams = [node('Z', ['C', 'A']), node('C', ['B']), node('B', ['A']), node('A')];
  assert.deepEqual(
    [...streamDepths(streams)],
    [
      ['Z', 3],
      ['C', 2],
      ['B', 1],
      ['A', 0],
    ],
  );
  assert.deepEqual(streamLevels(diamond), [['A'], ['B', 'C'], ['Z']]);
  assert.deepEqual(streamLevels([]), []);
});

test('unknown and self dependencies are no edges', () => {
  const streams = [node('A', ['A', 'nowhere'])];
  assert.deepEqual([...streamDepths(streams)], [['A', 0]]);
  assert.deepEqual(findCycles(streams), []);
});

test('streams on a cycle and behind it come last', () => {
  const streams = [node('X', ['Y']), node('Y', ['X']), node('W', ['X']), node('A'), node('B', ['A'])];
  assert.deepEqual(streamLevels(streams), [['A'], ['B'], ['X', 'Y', 'W']]);
  assert.deepEqual(unorderedStreams(streams), ['X', 'Y', 'W']);
});

test('a cycle is found with its whole path, one for each knot, shortest first stream first', () => {
  assert.deepEqual(findCycles([node('A', ['B']), node('B', ['C']), node('C', ['A'])]), [['A', 'B', 'C']]);
  const two = [node('A', ['B']), node('B', ['A']), node('R'), node('C', ['D', 'R']), node('D', ['C', 'A'])];
  assert.deepEqual(findCycles(two), [
    ['A', 'B'],
    ['C', 'D'],
  ]);
  const knot = [node('A', ['B']), node('B', ['C', 'D']), node('C', ['B']), node('D', ['A'])];
  assert.deepEqual(findCycles(knot), [['A', 'B', 'D']]);
});

test('property: a cycle is reported exactly when there is one, and each of its steps is a dependency', () => {
  fc.assert(
    fc.property(anyPlan, (streams) => {
      const cycles = findCycles(streams);
      const cyclic = streams.filter((one) =>
        one.dependencies.some((id) => id !== one.id && comesBefore(streams, one.id, id)),
      );
      assert.equal(cycles.length > 0, cyclic.length > 0);
      for (const cycle of cycles) {
        assert.equal(new Set(cycle).size, cycle.length);
        cycle.forEach((id, at) => {
          const next = cycle[(at + 1) % cycle.length];
          assert.ok(streams.find((one) => one.id === id)?.dependencies.includes(next ?? ''));
        });
      }
      for (const one of cyclic) assert.ok(unorderedStreams(streams).includes(one.id));
      criticalPath(streams);
    }),
    { numRuns: 1000 },
  );
});

test('property: the order has every stream after its dependencies', () => {
  fc.assert(
    fc.property(acyclic, (streams) => {
      const { ids, order } = streamGraph(streams);
      assert.equal(order.length, streams.length);
      const place = new Map(order.map((at, index) => [ids[at], index]));
      for (const one of streams) {
        for (const id of one.dependencies) assert.ok((place.get(id) ?? 0) < (place.get(one.id) ?? 0));
      }
    }),
  );
});

test('the critical path follows the open tasks', () => {
  assert.deepEqual(criticalPath(diamond), ['A', 'B', 'Z']);
  assert.deepEqual(
    [...remainingPaths(diamond)],
    [
      ['A', 9],
      ['B', 6],
      ['C', 5],
      ['Z', 2],
    ],
  );
  assert.deepEqual(criticalPath([]), []);
});

test('a finished stream still counts as one step', () => {
  const streams = [node('A', [], 0), node('B', ['A'], 0), node('C', [], 1)];
  assert.deepEqual(criticalPath(streams), ['A', 'B']);
});

test('property: no chain weighs more than the critical path', () => {
  fc.assert(
    fc.property(acyclic, (streams) => {
      const weigh = (id: string): number => {
        const one = streams.find((candidate) => candidate.id === id);
        const next = streams
          .filter((other) => other.dependencies.includes(id))
          .map((other) => weigh(other.id));
        return Math.max(1, one?.openTasks.length ?? 0) + Math.max(0, ...next);
      };
      const path = criticalPath(streams);
      const total = path.reduce(
        (sum, id) => sum + Math.max(1, streams.find((one) => one.id === id)?.openTasks.length ?? 0),
        0,
      );
      assert.equal(total, Math.max(0, ...streams.map((one) => weigh(one.id))));
      path.slice(1).forEach((id, at) => {
        assert.ok(streams.find((one) => one.id === id)?.dependencies.includes(path[at] ?? ''));
      });
    }),
    { numRuns: 200 },
  );
});

test('useful parallelism may be wider than any depth', () => {
  assert.equal(maxParallel(diamond), 2);
  assert.equal(maxParallel([]), 0);
  // A, C and D can run together although depth 0 is A and B, depth 1 C and D.
  assert.equal(maxParallel([node('A'), node('B'), node('C', ['B']), node('D', ['B'])]), 3);
});

test('property: useful parallelism is the largest set in which none waits for another', () => {
  const small = acyclic.filter((streams) => streams.length <= 10);
  fc.assert(
    fc.property(small, (streams) => {
      let best = 0;
      for (let set = 0; set < 1 << streams.length; set += 1) {
        const chosen = streams.filter((_, at) => set & (1 << at));
        const free = chosen.every((a) => chosen.every((b) => !comesBefore(streams, a.id, b.id)));
        if (free) best = Math.max(best, chosen.length);
      }
      assert.equal(maxParallel(streams), best);
    }),
    { numRuns: 60 },
  );
});

test('property: what comes before what is known for every pair', () => {
  fc.assert(
    fc.property(acyclic, (streams) => {
      const precedes = reachability(streams);
      streams.forEach((a, from) => {
        for (const [to, b] of streams.entries())
          assert.equal(precedes(from, to), comesBefore(streams, a.id, b.id));
      });
    }),
    { numRuns: 100 },
  );
});

test('more than 300 streams are measured by their fullest depth, a lower bound', () => {
  const one = (_: unknown, at: number) => node(`a${at}`);
  const two = (_: unknown, at: number) => node(`b${at}`, ['B']);
  const skewed = [...Array.from({ length: 200 }, one), node('B'), ...Array.from({ length: 200 }, two)];
  assert.equal(maxParallel(skewed), 201);
  assert.equal(maxParallel([...skewed.slice(150, 201), ...skewed.slice(201, 251)]), 100);
  const wide = [node('root'), ...Array.from({ length: 400 }, (_, at) => node(`w${at}`, ['root']))];
  assert.equal(maxParallel(wide), 400);
  const knotted = [
    ...wide,
    ...Array.from({ length: 500 }, (_, at) => node(`k${at}`, [`k${(at + 1) % 500}`])),
  ];
  assert.equal(maxParallel(knotted), 400);
});

test('a chain of ten thousand streams overflows nothing', () => {
  const long = chain(10_000);
  assert.equal(streamDepths(long).get('s9999'), 9_999);
  assert.equal(criticalPath(long).length, 10_000);
  const ring = chain(10_000);
  ring[0] = node('s0', ['s9999']);
  assert.equal(findCycles(ring)[0]?.length, 10_000);
});

test('thousands of knots before a big one are searched each for itself', () => {
  const leaves = Array.from({ length: 5000 }, (_, at) => `leaf${at}`);
  const star = [node('hub', leaves), ...leaves.map((leaf) => node(leaf, ['hub']))];
  const triangles = Array.from({ length: 4000 }, (_, at) => [
    node(`a${at}`, [`b${at}`, 'hub']),
    node(`b${at}`, [`c${at}`]),
    node(`c${at}`, [`a${at}`]),
  ]);
  assert.equal(findCycles([...triangles.flat(), ...star]).length, 4001);
});

test('the width of 300 streams is exact', () => {
  const streams = Array.from({ length: 300 }, (_, at) =>
    node(`s${at}`, at < 10 ? [] : [`s${at - 10}`, `s${at - 7}`]),
  );
  assert.equal(maxParallel(streams), 10);
});
