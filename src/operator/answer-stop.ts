/** Answers an agent that wants to stop: looks at its tasks and its worktree, and remembers what it was told. */
import { join } from 'node:path';
import type { ReportedStop } from '../agent/port.ts';
import type { Config } from '../app/config/load.ts';
import type { Ports } from '../app/ports.ts';
import { judgeStop } from '../core/decide/stop-gate.ts';
import { missing, missingInShort } from '../core/done.ts';
import type { Run, StreamRecord, Task } from '../core/types.ts';
import { statIfPresent } from '../files/present.ts';
import { tagOf } from '../files/sha256.ts';
import type { WorktreeFacts } from '../git/types.ts';
import { obstacleAtOnce } from '../poller/steps/commit-obstacle.ts';

/** Everything the gate works with: less than the ports, since it has to be quick. */
export type StopPorts = Pick<Ports, 'plan' | 'state' | 'now'> & {
  readonly config: Pick<Config, 'leftovers'>;
  readonly git: Pick<Ports['git'], 'inspect' | 'identityTrouble'>;
  /** What the run's last commit said, when it failed. */
  readonly failedCommit: (run: Run) => string | null;
};

/** The text that refuses the stop, null to let it be. `run` is the number of the record's open run. */
export async function answerStop(
  ports: StopPorts,
  record: StreamRecord,
  run: number,
  stop: ReportedStop,
): Promise<string | null> {
  const before = record.runs.find((each) => each.number === run)?.stopGate ?? null;
  const stream = ports.plan.readPlan().streams.find((each) => each.id === record.streamId);
  // A turn that leaves work in the background is not over: the agent hears of its end and stops again.
  if (stream === undefined || record.base === null || stop.background.length > 0) return null;
  const tasks = ports.plan.listTasks({ stream: record.streamId });
  const worktree = await ports.git.inspect({
    path: record.worktree,
    branch: record.branch,
    baseSha: record.base.sha,
    parents: [],
  });
  const standing = {
    tasks,
    worktree: { ...worktree, path: record.worktree },
    branch: record.branch,
    declaresNoChanges: stream.declaresNoChanges,
    commitsLeftovers: ports.config.leftovers === 'commit',
  };
  const found = missing(standing);
  const open = record.runs.find((each) => each.number === run);
  const saidOfCommit = () => (open === undefined ? null : ports.failedCommit(open));
  const isDirty = found.some(({ cause }) => cause === 'dirty');
  const obstacle = isDirty ? await obstacleAtOnce(ports.git, saidOfCommit) : null;
  const left = [...(obstacle === null ? [] : [obstacle]), ...found.map(({ message }) => message)];
  const signature = signatureOf(record, tasks, worktree, left);
  const short = [missingInShort(standing), ...(obstacle === null ? [] : [obstacle])].join(', ');
  const { again, said } = stop;
  const answer = judgeStop({ missing: left, short, said, signature, again, atMs: ports.now() }, before);
  if (answer.gate !== null) ports.state.patchRun(record.key, run, { stopGate: answer.gate });
  const refused = answer.refusal !== null;
  const told = refused ? `sent back to work: ${short}` : answer.gate?.gaveUp;
  if (told != null) {
    const kind = refused ? 'stop-refused' : 'stop-allowed';
    ports.state.addEvent({ atMs: ports.now(), key: record.key, run, kind, message: told });
  }
  return answer.refusal;
}

/** Changes with any progress: a task touched, a commit, a file written. */
function signatureOf(
  { worktree: path }: StreamRecord,
  tasks: readonly Task[],
  facts: WorktreeFacts,
  left: readonly string[],
): string {
  const files = [...facts.changed, ...facts.untracked].map((file) => {
    const stat = statIfPresent(join(path, file));
    return [file, stat?.mtimeMs, stat?.size];
  });
  const state = [
    left,
    facts.headSha,
    files,
    tasks.map(({ id, status, updatedAtMs }) => [id, status, updatedAtMs]),
  ];
  return tagOf(JSON.stringify(state));
}
