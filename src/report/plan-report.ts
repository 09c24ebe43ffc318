/** Gathers what the whole plan came to: the report of every stream with its tasks, commits, gates, attempts and landings. */
import type { Ports } from '../app/ports.ts';
import { gatherReport } from './gather.ts';
import type { PlanReport, ReportedStream, ReportStream } from './types.ts';

/** Commits that are listed of one stream. */
const MOST_COMMITS = 100;
/** Streams whose commits are asked for at the same time. */
const AT_ONCE = 8;

/** The report of the current plan. */
export async function gatherPlanReport(ports: Ports): Promise<PlanReport> {
  const { report, look } = await gatherReport(ports);
  const landings = ports.state.landings(report.initiative?.id ?? '');
  const streams: ReportedStream[] = [];
  for (let at = 0; at < report.streams.length; at += AT_ONCE) {
    const part = report.streams.slice(at, at + AT_ONCE);
    streams.push(
      ...(await Promise.all(
        part.map(async (stream): Promise<ReportedStream> => {
          const head = stream.verifiedSha ?? stream.headSha;
          const gates = ports.state.gateResults(stream.key, head ?? '');
          const runs = look.snapshot.records.get(stream.key)?.runs ?? [];
          return {
            ...stream,
            taskList: ports.plan.listTasks({ stream: stream.id }),
            commitList: await commitsOf(ports, stream, head),
            // The last result of each gate on this very head.
            gates: [...new Map(gates.map((gate) => [gate.name, gate])).values()].map((gate) => ({
              name: gate.name,
              ok: gate.exitCode === 0,
              ms: gate.endedAtMs - gate.startedAtMs,
            })),
            runs: runs.map(({ number, outcome, reason }) => ({ number, outcome, reason })),
            landings: landings
              .filter(({ key, head: landed }) => key === stream.key && landed === head)
              .map(({ branch, commits }) => ({ branch, commits })),
          };
        }),
      )),
    );
  }
  return { ...report, streams };
}

async function commitsOf({ git }: Ports, { baseSha }: ReportStream, head: string | null) {
  if (baseSha === null || head === null || baseSha === head) return [];
  try {
    const commits = await git.commits(baseSha, head, MOST_COMMITS);
    return commits.map(({ sha, author, subject }) => ({ sha, author, subject }));
  } catch (error) {
    // What git has thrown away cannot be listed any more: asked only then, since a plan may have hundreds of streams.
    if ((await git.resolve(head)) === null || (await git.resolve(baseSha)) === null) return [];
    throw error;
  }
}
