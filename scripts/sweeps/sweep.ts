/** What a sweep is: cases, each of which does one kind of harm as often as it can and says where a promise did not hold. */
import assert from 'node:assert/strict';
import { messageOf } from '../../src/core/errors.ts';
import type { Ended } from '../../test/support/cli-rig.ts';

/** How far a run goes. */
export type Reach = {
  /** A few injections a case, for a run beside the tests. */
  readonly quick: boolean;
  /** Every how many calls one is harmed; 1: each. */
  readonly every: number;
  /** Of calls of the system: only those that differ, in their file or in that of the call before. */
  readonly different: boolean;
  /** The one call, or the one place of a list, to be harmed; null: all that `every` takes. */
  readonly at: number | null;
  readonly seed: number;
  /** Worlds of a random case. */
  readonly runs: number;
  /** Injections at the same time. */
  readonly jobs: number;
};

/** What came of a case: how often harm was done, and where something did not hold. */
export type Outcome = {
  readonly injected: number;
  /** The calls that there were, about: the first number that was tried and never reached; absent where no calls are counted. */
  readonly calls?: number;
  /** How many of them differ, where only those were harmed. */
  readonly different?: number;
  /** `again`: the options that do it again. */
  readonly broken: readonly { readonly where: string; readonly again: string; readonly why: string }[];
};

export type Case = {
  readonly name: string;
  /** The harm that is done. */
  readonly harm: string;
  run(reach: Reach): Promise<Outcome>;
};

export type Sweep = {
  /** What the command line calls it. */
  readonly name: string;
  readonly summary: string;
  /** Why it cannot be run on this machine; null when it can. */
  obstacle(): string | null;
  cases(): readonly Case[];
};

/** Calls of which a quick run harms one: early, and in the middle of what most commands do. */
const QUICK_CALLS = [3, 7, 12, 28];

/** The numbers of the calls to be harmed, in order, for as long as there may be such calls. */
function* callsToHarm(reach: Reach): Generator<number> {
  if (reach.at !== null) yield reach.at;
  else if (reach.quick) yield QUICK_CALLS[reach.seed % QUICK_CALLS.length] ?? 1;
  else for (let call = 1 + (reach.seed % reach.every); ; call += reach.every) yield call;
}

/** Runs `work` for all of `items`, as many at a time as asked for; `work` says whether to go on. */
async function atATime<T>(
  reach: Reach,
  items: Iterable<T>,
  work: (item: T) => Promise<boolean>,
): Promise<void> {
  // One iterator for all: each item is taken once.
  const iterator = items[Symbol.iterator]();
  let over = false;
  const line = async (): Promise<void> => {
    while (!over) {
      const next = iterator.next();
      if (next.done === true) return;
      if (!(await work(next.value))) over = true;
    }
  };
  await Promise.all(Array.from({ length: reach.jobs }, line));
}

/** A path with what chance or time gave it left out. */
function withoutChance(path: string): string {
  return path.replace(/[0-9a-f]{7,}|\d+|\.[A-Za-z0-9]{6}(?=\/|$)/g, '#');
}

/**
 * The numbers of the calls that differ: of each file, after each file that the call before was on, the first and the last. What a
 * command does again and again is one call after another on the same files.
 */
export function differentCalls(paths: readonly string[]): readonly number[] {
  const places = paths.map(withoutChance);
  const pairs = places.map((path, at) => `${places[at - 1] ?? ''} ${path}`);
  const firsts = pairs.flatMap((pair, at) => (pairs.indexOf(pair) === at ? [at + 1] : []));
  const lasts = pairs.flatMap((pair, at) => (pairs.lastIndexOf(pair) === at ? [at + 1] : []));
  return [...new Set([...firsts, ...lasts])].sort((a, b) => a - b);
}

/**
 * Tries each call of a command that differs from the others: `record` runs it unharmed and tells on which file each was. Calls that
 * the command does not come to when it is harmed are left out.
 */
export async function atDifferentCalls(
  reach: Reach,
  record: () => Promise<readonly string[]>,
  attempt: (call: number) => Promise<boolean>,
): Promise<Outcome> {
  if (!reach.different || reach.at !== null) return atEachCall(reach, attempt);
  const paths = await record();
  const calls = differentCalls(paths);
  let missed = 0;
  const places = calls.map((call) => [`call ${call}`, call] as const);
  const outcome = await atEach(
    reach,
    places,
    async (call) => {
      if (!(await attempt(call))) missed += 1;
    },
    (_, call) => `--at ${call}`,
  );
  const injected = outcome.injected - missed;
  return { ...outcome, injected, calls: paths.length + 1, different: calls.length };
}

/** Tries call after call until `attempt` says that the command made no such call any more. */
export async function atEachCall(
  reach: Reach,
  attempt: (call: number) => Promise<boolean>,
): Promise<Outcome> {
  const broken: Outcome['broken'][number][] = [];
  let injected = 0;
  let calls = Number.POSITIVE_INFINITY;
  await atATime(reach, callsToHarm(reach), async (call) => {
    try {
      const happened = await attempt(call);
      if (happened) injected += 1;
      else calls = Math.min(calls, call);
      return happened;
    } catch (error) {
      injected += 1;
      broken.push({ where: `call ${call}`, again: `--at ${call}`, why: whyOf(error) });
      return true;
    }
  });
  return { injected, broken, ...(Number.isFinite(calls) ? { calls } : {}) };
}

/** Tries each of `places`, which are names for what is harmed. */
export async function atEach<T>(
  reach: Reach,
  places: readonly (readonly [where: string, place: T])[],
  attempt: (place: T) => Promise<void>,
  again = (at: number, _: T): string => `--at ${at}`,
): Promise<Outcome> {
  const broken: Outcome['broken'][number][] = [];
  const chosen = [...places.entries()].filter(([at]) => reach.at === null || reach.at === at + 1);
  await atATime(reach, chosen, async ([at, [where, place]]) => {
    try {
      await attempt(place);
    } catch (error) {
      broken.push({ where, again: again(at + 1, place), why: whyOf(error) });
    }
    return true;
  });
  return { injected: chosen.length, broken };
}

/** Worlds of a random case, seed after seed: with a seed given and one run, exactly that one. */
export function atEachSeed(reach: Reach, attempt: (seed: number) => Promise<void>): Promise<Outcome> {
  const seeds = Array.from({ length: reach.quick ? 1 : reach.runs }, (_, at) => reach.seed + at);
  return atEach(
    reach,
    seeds.map((seed) => [`seed ${seed}`, seed] as const),
    attempt,
    (_, seed) => `--seed ${seed} --runs 1`,
  );
}

/** Why something did not hold, with the first line of ours that saw it. */
function whyOf(thrown: unknown): string {
  // What failed while a project was taken away hides what failed in it.
  let error = thrown;
  while (error instanceof Error && 'suppressed' in error) error = error.suppressed;
  const place =
    error instanceof Error
      ? /\(?(?:file:\/\/)?\S*\/((?:scripts|test)\/\S+:\d+):\d+/.exec(error.stack ?? '')
      : null;
  return `${messageOf(error).slice(0, 1_600)}${place === null ? '' : ` [${place[1]}]`}`;
}

const DOCUMENTED = new Set([0, 1, 2, 3, 4, 5, 6, 7, 129, 130, 143]);

/** Fails unless a command that was not killed ended with a documented code, and said an error as all errors are said. */
export function assertWellTold(ended: Ended): void {
  const said = `exit ${ended.code}: ${ended.stdout.slice(-400)}${ended.stderr.slice(-800)}`;
  assert.ok(ended.signal === null && DOCUMENTED.has(ended.code ?? -1), said);
  assert.doesNotMatch(ended.stderr, /^ +at .*:\d+:\d+\)?$|node:internal|unexpected:/m, said);
  if ((ended.code ?? 0) > 1 && (ended.code ?? 0) < 128)
    assert.match(ended.stderr, /^orchestrate: error: .+\n {2}fix: .+/m, said);
}
