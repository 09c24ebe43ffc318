/** Which streams have landed, for status, the scheduler and landing alike: asked of git once for each tip and head, and remembered. */
import type { Ports } from '../app/ports.ts';
import { inBuildOrder } from '../core/plan/graph.ts';
import type { Landing, Plan, StreamRecord } from '../core/types.ts';
import type { Candidate } from '../git/types.ts';

/** The branch that work lands on: the configured one, else the plan's base branch; null before the plan's first start. */
export function landingBranch(
  { config, state }: Pick<Ports, 'config' | 'state'>,
  initiative: string,
): string | null {
  return config.landing.branch ?? state.initiativeBase(initiative)?.branch ?? null;
}

/** What is landed is asked about: the plan, what is remembered of its streams, and the tip of the landing branch. */
export type LandedQuestion = {
  readonly plan: Plan;
  readonly keys: ReadonlyMap<string, string>;
  readonly records: ReadonlyMap<string, StreamRecord>;
  readonly initiative: string;
  readonly branch: string;
  readonly tip: string;
};

/** Keys of the streams whose verified head has landed. Throws what git throws. */
export async function landedKeys(
  ports: Pick<Ports, 'git' | 'state'>,
  question: LandedQuestion,
): Promise<ReadonlySet<string>> {
  const verified = [...question.records.values()].filter(({ verified: found }) => found !== null);
  const landed = new Set(
    verified.filter((record) => answerOf(record, question) === true).map(({ key }) => key),
  );
  if (verified.every((record) => answerOf(record, question) !== null)) return landed;
  const found = await ports.git.contained(question.tip, candidatesOf(question, ports.state));
  for (const record of verified) {
    const head = record.verified?.sha ?? '';
    const { branch, tip } = question;
    ports.state.patchStream(record.key, {
      landedAnswer: { branch, tip, head, landed: found.has(record.key) },
    });
  }
  return found;
}

/** What was found out before; null when that was of another tip or head. */
function answerOf({ landedAnswer: known, verified }: StreamRecord, question: LandedQuestion): boolean | null {
  const same =
    known !== null &&
    known.branch === question.branch &&
    known.tip === question.tip &&
    known.head === verified?.sha;
  return same ? known.landed : null;
}

/** What the plan's verified streams could have brought to the branch, dependencies before dependents. */
export function candidatesOf(
  { plan, keys, records, initiative, branch }: Omit<LandedQuestion, 'tip'>,
  state: Pick<Ports['state'], 'landings'>,
): readonly Candidate[] {
  const landings = new Map<string, Landing[]>();
  for (const landing of state.landings(initiative)) {
    if (landing.branch !== branch) continue;
    landings.set(landing.key, [...(landings.get(landing.key) ?? []), landing]);
  }
  return inBuildOrder(plan.streams).flatMap(({ id, dependencies }) => {
    const key = keys.get(id) ?? '';
    const record = records.get(key);
    if (record?.verified == null) return [];
    const head = record.verified.sha;
    const after = dependencies.flatMap((on) => keys.get(on) ?? []);
    return [{ key, head, base: record.base?.sha ?? head, after, landings: landings.get(key) ?? [] }];
  });
}
