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
  readonly seed: number;
  /** Worlds of a random case. */
  readonly runs: number;
  /** Injections at the same time. */
  readonly jobs: number;
};

/** What came of a case: how often harm was done, and where something did not hold. */
export type Outcome = {
  readonly injected: number;
  readonly broken: readonly { readonly where: string; readonly why: string }[];
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

/** Tries call after call until `attempt` says that the command made no such call any more. */
export async function atEachCall(
  reach: Reach,
  attempt: (call: number) => Promise<boolean>,
): Promise<Outcome> {
  const broken: Outcome['broken'][number][] = [];
  let injected = 0;
  let next = 1 + (reach.seed % reach.every);
  let over = false;
  const quick = [QUICK_CALLS[reach.seed % QUICK_CALLS.length]];
  const take = (): number | undefined => {
    if (reach.quick) return quick.shift();
    if (over) return undefined;
    next += reach.every;
    return next - reach.every;
  };
  const work = async (): Promise<void> => {
    for (let call = take(); call !== undefined; call = take()) {
      try {
        if (await attempt(call)) injected += 1;
        else over = true;
      } catch (error) {
        injected += 1;
        broken.push({ where: `call ${call}`, why: whyOf(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: reach.jobs }, work));
  return { injected, broken };
}

/** Tries each of `places`, which are names for what is harmed. */
export async function atEach<T>(
  reach: Reach,
  places: readonly (readonly [where: string, place: T])[],
  attempt: (place: T) => Promise<void>,
): Promise<Outcome> {
  const broken: Outcome['broken'][number][] = [];
  const left = [...places];
  const work = async (): Promise<void> => {
    for (let at = left.shift(); at !== undefined; at = left.shift()) {
      try {
        await attempt(at[1]);
      } catch (error) {
        broken.push({ where: at[0], why: whyOf(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: reach.jobs }, work));
  return { injected: places.length, broken };
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
