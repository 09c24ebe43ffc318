/** What landing says: the words of the commits by which streams land, and the report of how it went. */
import type { Ports } from '../app/ports.ts';
import { OrchestrateError } from '../core/errors.ts';
import type { Choice, LandingReport } from '../core/landing.ts';
import { printable } from '../core/printable.ts';
import { commandFor } from '../core/shell-word.ts';
import type { LandingStrategy, PlanStream, Snapshot, StreamRecord } from '../core/types.ts';
import type { Line } from '../git/types.ts';

/** What was to land, and where. */
export type Landed = {
  readonly branch: string;
  readonly strategy: LandingStrategy;
  readonly snapshot: Snapshot;
  readonly choice: Choice;
  readonly wanted: ReadonlySet<string>;
};

/** What a line came to under the gates. */
export type Judged = {
  readonly line: Line;
  readonly gates: LandingReport['gates'];
  readonly rejected: LandingReport['rejected'];
};

const SUBJECT = 100;
const TASK = 120;
const TASKS = 30;

/** The message of the commit that brings a stream in. */
export function messageOfStream(
  ports: Pick<Ports, 'plan'>,
  strategy: LandingStrategy,
  stream: PlanStream | undefined,
  record: StreamRecord | undefined,
): string {
  const id = stream?.id ?? record?.streamId ?? '';
  const name = stream === undefined || stream.name === id ? '' : `: ${stream.name}`;
  const subject = printable(`${strategy === 'merge' ? 'Merge ' : ''}${id}${name}`, SUBJECT);
  const tasks = ports.plan.listTasks({ stream: id }).filter(({ status }) => status === 'completed');
  const lines = tasks.slice(0, TASKS).map(({ title }) => `- ${printable(title, TASK)}`);
  const more = tasks.length > lines.length ? [`- and ${tasks.length - lines.length} more`] : [];
  const run = record?.verified?.run ?? 0;
  const facts = [`Stream: ${printable(id)}`, ...(run > 0 ? [`Run: ${run}`] : [])];
  return [subject, '', ...(lines.length > 0 ? ['Tasks:', ...lines, ...more, ''] : []), ...facts].join('\n');
}

/** The stream's id. */
export function idOf({ snapshot }: Pick<Landed, 'snapshot'>, key: string): string {
  return snapshot.records.get(key)?.streamId ?? key;
}

/** The report of a line that was laid, and (unless `dryRun`) landed. */
export function landingReport(
  landing: Landed,
  { line, gates, rejected }: Judged,
  dryRun: boolean,
): LandingReport {
  const { branch, strategy, choice, wanted, snapshot } = landing;
  const id = (key: string): string => idOf(landing, key);
  const nameOf = new Map(snapshot.plan.streams.map((stream) => [stream.id, stream.name]));
  const landed = line.layers.flatMap(({ key, carries, commits }) =>
    [...carries, key].map((each) => ({
      stream: id(each),
      name: nameOf.get(id(each)) ?? id(each),
      head: snapshot.records.get(each)?.verified?.sha ?? '',
      commits,
      with: each === key ? null : id(key),
    })),
  );
  const contained = line.contained.filter((key) => wanted.has(key)).map(id);
  const clashes = line.clashes.map(({ key, files, against }) => ({
    stream: id(key),
    files,
    against: against.map(id),
    remedy: commandFor('resolve', id(key)),
  }));
  const out = [...clashes, ...rejected].map(({ stream }) => stream);
  const settled = new Set([...landed.map(({ stream }) => stream), ...contained, ...out]);
  const held = choice.wanted
    .filter((each) => !settled.has(each))
    .map((each) => ({ stream: each, on: blockers(landing, each, settled, out) }));
  const refused = line.refusal instanceof OrchestrateError ? line.refusal : null;
  return {
    schemaVersion: 1,
    branch,
    strategy,
    dryRun,
    from: line.from,
    to: line.tip,
    landed,
    contained,
    clashes,
    rejected,
    waiting: [...choice.waiting, ...held],
    notDone: choice.notDone,
    gates,
    refusal: refused && { message: refused.message, fix: refused.fix, exitCode: refused.exitCode },
    next: landed.length + contained.length > 0 && !dryRun ? 'orchestrate clean' : null,
  };
}

/** What a stream that did not land waits for: its dependencies that did not either. */
function blockers(
  { snapshot }: Landed,
  id: string,
  settled: ReadonlySet<string>,
  out: readonly string[],
): readonly string[] {
  const dependencies = snapshot.plan.streams.find((stream) => stream.id === id)?.dependencies ?? [];
  return dependencies.filter((on) => out.includes(on) || !settled.has(on));
}
