/** What must hold of every decision, whatever the world looks like and whatever happens between two ticks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide as decideAll } from '../../src/core/decide/decide.ts';
import { isCommand } from '../../src/core/shell-word.ts';
import type { StateName } from '../../src/core/states.ts';
import type { Action, Policy, Snapshot, StreamState } from '../../src/core/types.ts';
import { type Happening, ModelWorld } from '../support/model-world.ts';
import { keyOf, POLICY } from '../support/snapshots.ts';

/** Dependencies of each stream among the ones before it: any graph without a cycle. */
const graph = fc
  .array(fc.array(fc.nat(5), { maxLength: 3 }), { minLength: 1, maxLength: 6 })
  .map((lists) => lists.map((list, at) => [...new Set(list.filter((each) => each < at))].sort()));

/** Longest that anything is waited for in these worlds: no clock may make it longer. */
const LONGEST_DELAY_MS = 15 * 60_000;
const DAY_MS = 86_400_000;
const at = fc.nat(5);
const toWorker = fc.constantFrom(
  'finish',
  'finish-dirty',
  'crash',
  'close-window',
  'block-task',
  'idle',
  'busy',
) satisfies fc.Arbitrary<Happening['kind']>;
const byPerson = fc.constantFrom('stop', 'park', 'retry', 'start', 'complete-by-hand', 'reopen-task');
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: toWorker, at }) },
  { weight: 2, arbitrary: fc.record({ kind: byPerson, at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('lose-server', 'blind', 'unreadable-git') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('see-again') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.nat(120_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('set-clock'), byMs: fc.integer({ min: -DAY_MS, max: DAY_MS }) }),
  },
) as fc.Arbitrary<Happening>;

/** What happens in one turn, and which of the steps decided then are carried out (a killed poller carries out some). */
const turn = fc.record({ events: fc.array(happening, { maxLength: 3 }), carried: fc.nat(63) });
const story = fc.record({
  graph,
  interactive: fc.boolean(),
  maxWorkers: fc.integer({ min: 1, max: 4 }),
  turns: fc.array(turn, { maxLength: 25 }),
});
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

function policyOf({ maxWorkers, interactive }: Pick<Story, 'maxWorkers' | 'interactive'>): Policy {
  return { ...POLICY, maxWorkers, interactive };
}

const decide = (seen: Snapshot, policy: Policy): readonly Action[] => decideAll(seen, policy).actions;

const SPEAKS_FOR_ITSELF: readonly StateName[] = ['running', 'done', 'waiting'];

/** What is to be typed is a command, and nothing else. */
function checkRemedies(states: readonly StreamState[]): void {
  for (const { id, remedy } of states) assert.ok(remedy === null || isCommand(remedy), `${id}: ${remedy}`);
}

/** Everything that holds of one decision. */
function checkDecision(world: ModelWorld, policy: Policy): readonly Action[] {
  const seen = world.snapshot();
  const { actions, states } = decideAll(seen, policy);
  assert.equal(states.length, world.cells.length, 'one state for each stream');
  checkRemedies(states);
  for (const state of states) {
    if (SPEAKS_FOR_ITSELF.includes(state.state)) continue;
    assert.ok(state.reason && state.remedy, `${state.id} is ${state.state} without reason or remedy`);
  }
  for (const { id, state, dueAtMs } of states)
    assert.ok(
      dueAtMs === null || (dueAtMs > seen.nowMs && dueAtMs <= seen.nowMs + LONGEST_DELAY_MS),
      `${id} (${state}) is due in ${(dueAtMs ?? 0) - seen.nowMs} ms: the poller would spin, or wait out the clock`,
    );
  assert.equal(new Set(actions.map(({ key }) => key)).size, actions.length, 'one step a stream');
  for (const action of actions) assert.ok(action.reason !== '', 'every step says why');
  const doneIds = new Set(states.flatMap(({ id, state }) => (state === 'done' ? [id] : [])));
  const stale = new Set(states.flatMap((each) => (each.stale ? [each.id] : [])));
  const launches = actions.filter(({ kind }) => kind === 'launch');
  for (const launch of launches) {
    const cell = world.cell(launch.key);
    assert.ok(
      cell.dependencies.every((id) => doneIds.has(id) && world.cell(keyOf(id)).record.verified !== null),
      `${cell.id} is launched though a dependency is not done`,
    );
    assert.ok(
      cell.dependencies.every((id) => !stale.has(id)),
      `${cell.id} would be built on what is outdated`,
    );
    assert.notEqual(cell.worker?.process, 'alive', `a second worker for ${cell.id}`);
    assert.ok(
      cell.record.runs.every((run) => run.endedAtMs !== null),
      `${cell.id} has an open run`,
    );
    assert.equal(cell.record.intent, 'none', `${cell.id} was called off`);
  }
  assert.ok(world.alive().length + launches.length <= Math.max(policy.maxWorkers, world.alive().length));
  if (!world.workersKnown)
    assert.deepEqual(
      actions.filter(({ kind }) => kind === 'launch' || kind === 'end-run'),
      [],
    );
  if (!world.headsKnown)
    assert.deepEqual(
      actions.filter(({ kind }) => ['launch', 'verify', 'adopt'].includes(kind)),
      [],
    );
  return actions;
}

/** Lives the story through; returns the world it leads to. */
function live(tale: Story): ModelWorld {
  const world = new ModelWorld(tale.graph, tale.interactive);
  const policy = policyOf(tale);
  for (const { events, carried } of tale.turns) {
    for (const event of events) world.happen(event);
    checkDecision(world, policy).forEach((action, i) => {
      if ((carried >> i) % 2 === 0) world.apply(action);
    });
  }
  return world;
}

/** Ticks with time passing, every worker finishing its work well, until nothing more is decided. */
function settle(world: ModelWorld, policy: Policy): void {
  world.happen({ kind: 'see-again' });
  let quiet = 0;
  for (let round = 0; quiet < 5; round += 1) {
    assert.ok(round < 300, 'it never settles');
    const actions = checkDecision(world, policy);
    for (const action of actions) world.apply(action);
    world.alive().forEach((id) => {
      world.happen({ kind: 'finish', at: world.cells.findIndex((cell) => cell.id === id) });
    });
    world.happen({ kind: 'pass', ms: 200_000 });
    quiet = actions.length === 0 ? quiet + 1 : 0;
  }
}

test('every decision is sound, whatever happened', () => {
  fc.assert(
    fc.property(story, (tale) => void live(tale)),
    { numRuns: 400 },
  );
});

test('a world left to itself settles, and then nothing more is decided', () => {
  fc.assert(
    fc.property(story, (tale) => {
      const world = live(tale);
      settle(world, policyOf(tale));
      assert.deepEqual(decide(world.snapshot(), policyOf(tale)), []);
      const { states } = decideAll(world.snapshot(), policyOf(tale));
      const restful: StateName[] = ['done', 'failed', 'blocked', 'stopped', 'parked', 'needs-input'];
      const stale = new Set(states.flatMap((each) => (each.stale ? [each.id] : [])));
      for (const { id, state, reason } of states) {
        const waits = state === 'waiting' && world.cell(keyOf(id)).dependencies.some((on) => stale.has(on));
        assert.ok(waits || restful.includes(state), `${id} rests as ${state} (${reason})`);
      }
    }),
    { numRuns: 300 },
  );
});

test('when every worker does its work, everything gets done, whichever steps a killed poller left out', () => {
  fc.assert(
    fc.property(
      graph,
      fc.boolean(),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.nat(63), { maxLength: 12 }),
      (dag, interactive, maxWorkers, kept) => {
        const turns = kept.map((carried) => ({
          events: dag.map((_, i) => ({ kind: 'finish' as const, at: i })),
          carried,
        }));
        const world = live({ graph: dag, interactive, maxWorkers, turns });
        settle(world, policyOf({ interactive, maxWorkers }));
        const { states } = decideAll(world.snapshot(), policyOf({ interactive, maxWorkers }));
        assert.deepEqual(new Set(states.map(({ state }) => state)), new Set(['done']));
        for (const cell of world.cells)
          assert.equal(cell.record.runs.length, 1, `${cell.id} ran ${cell.record.runs.length} times`);
      },
    ),
    { numRuns: 300 },
  );
});

test('the same look is judged the same, and a step under way is not taken again', () => {
  fc.assert(
    fc.property(story, (tale) => {
      const world = live(tale);
      const policy = policyOf(tale);
      const actions = decide(world.snapshot(), policy);
      assert.deepEqual(decide(world.snapshot(), policy), actions);
      for (const action of actions) world.cell(action.key).inFlight = action;
      const again = decide(world.snapshot(), policy);
      const busy = new Set(actions.map(({ key }) => key));
      assert.deepEqual(
        again.filter(({ key }) => busy.has(key)),
        [],
      );
    }),
    { numRuns: 300 },
  );
});

test('without a poller nothing starts or is checked', () => {
  fc.assert(
    fc.property(story, (tale) => {
      const world = live(tale);
      const actions = decide({ ...world.snapshot(), pollerAlive: false }, policyOf(tale));
      assert.deepEqual(
        actions.filter(({ kind }) => kind !== 'end-run'),
        [],
      );
    }),
    { numRuns: 200 },
  );
});

test('the number of failed attempts in one window never exceeds the budget', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40 * 60_000 }), { maxLength: 40 }), (pauses) => {
      const world = new ModelWorld([[]], false);
      const failures: number[] = [];
      for (const ms of pauses) {
        for (const action of checkDecision(world, POLICY)) {
          world.apply(action);
          if (action.kind === 'end-run' && action.outcome === 'failed') failures.push(world.steadyMs);
        }
        world.happen({ kind: 'crash', at: 0 });
        world.happen({ kind: 'pass', ms });
      }
      const burst = failures.findIndex((endMs, i) => {
        const first = failures[i - POLICY.maxAttempts + 1];
        return first !== undefined && endMs - first <= POLICY.windowMs;
      });
      if (burst >= 0) assert.equal(failures.length, burst + 1, 'it went on after the budget was used up');
    }),
    { numRuns: 200 },
  );
});
