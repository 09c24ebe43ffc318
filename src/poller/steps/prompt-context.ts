/** Gathers what a worker is told: its stream, tasks, what its dependencies changed, and what an earlier run left. */
import { readFileSync } from 'node:fs';
import { type PromptContext, renderPrompt } from '../../agent/prompt.ts';
import { commandGates } from '../../app/config/config.ts';
import type { Ports } from '../../app/ports.ts';
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import type { PlanStream, Snapshot, StreamRecord } from '../../core/types.ts';
import { initiativeOf } from '../../look/snapshot.ts';

/** A launch, as far as the prompt needs it. */
export type PromptRequest = {
  readonly stream: PlanStream;
  readonly record: StreamRecord;
  readonly run: number;
  readonly baseSha: string;
  /** Conversation that goes on; null for a new one. */
  readonly resume: string | null;
  /** Parents that the agent has to merge first (`resolve`). */
  readonly mergeFirst: readonly string[];
};

/** The rendered prompt. Throws exit 3 when the template is missing, exit 7 when it has unknown placeholders. */
export async function workerPrompt(
  ports: Ports,
  request: PromptRequest,
  snapshot: Snapshot,
): Promise<string> {
  const { stream, record } = request;
  const base = ports.state.initiativeBase(initiativeOf(snapshot.plan));
  return renderPrompt(readTemplate(ports.paths.workerPrompt), {
    stream: { id: stream.id, name: stream.name, files: stream.files },
    tasks: ports.plan.listTasks({ stream: stream.id }).filter((task) => task.status !== 'cancelled'),
    dependencies: await dependencyChanges(ports, stream, snapshot),
    base: { sha: request.baseSha, branch: base?.branch ?? '' },
    branch: record.branch,
    worktree: record.worktree,
    gates: commandGates(ports.config.gates),
    resume: await earlierWork(ports, request),
    resolve: await workFirst(ports, request, snapshot),
  });
}

function readTemplate(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new OrchestrateError(
      EXIT.environment,
      `cannot read the agents' instructions ${path}`,
      'orchestrate init',
      { cause: error },
    );
  }
}

type Dependency = PromptContext['dependencies'][number];

async function dependencyChanges(
  ports: Ports,
  stream: PlanStream,
  snapshot: Snapshot,
): Promise<Dependency[]> {
  const found = stream.dependencies.flatMap((id) => {
    const record = snapshot.records.get(snapshot.keys.get(id) ?? '');
    const name = snapshot.plan.streams.find((each) => each.id === id)?.name ?? id;
    return record?.verified && record.base
      ? [{ id, name, sha: record.verified.sha, base: record.base.sha }]
      : [];
  });
  return Promise.all(
    found.map(async ({ id, name, sha, base }) => {
      const { commits, files } = await ports.git.changes(base, sha);
      return { id, name, sha, commits, files };
    }),
  );
}

async function earlierWork(ports: Ports, request: PromptRequest): Promise<PromptContext['resume']> {
  const last = request.record.runs.filter((run) => run.number < request.run).at(-1);
  if (last === undefined) return null;
  const head = await ports.git.resolve(`refs/heads/${request.record.branch}`);
  const commits = head === null ? 0 : (await ports.git.changes(request.baseSha, head)).commits;
  return {
    run: last.number,
    commits,
    sameConversation: request.resume !== null,
    failure: last.verdict?.ok === false ? last.verdict.message : last.reason,
  };
}

/** Characters of what one side of a clash did, in a prompt: the rest is in git. */
const SIDE = 12_000;

async function workFirst(
  ports: Ports,
  { stream, record, mergeFirst, baseSha }: PromptRequest,
  snapshot: Snapshot,
): Promise<PromptContext['resolve']> {
  const { assignment, conflict, runs } = record;
  const notes = assignment?.notes ?? null;
  if (mergeFirst.length === 0 && notes === null) return null;
  const idOf = (sha: string): string =>
    assignment?.merges.find((each) => each.sha === sha)?.name ??
    stream.dependencies.find(
      (id) => snapshot.records.get(snapshot.keys.get(id) ?? '')?.verified?.sha === sha,
    ) ??
    sha;
  const merges = mergeFirst.map((sha) => ({ id: idOf(sha), sha }));
  const files = assignment?.files ?? conflict?.files ?? [];
  const why = runs.length === 0 && assignment === null ? 'start' : 'moved';
  // The branch may be made at this very moment, at its base.
  const head = (await ports.git.resolve(`refs/heads/${record.branch}`)) ?? baseSha;
  const sides = files.length === 0 ? [] : await sidesOf(ports, { head, baseSha, merges, files });
  return { why, merges, files, notes, sides };
}

/** What each side of a clash did to the files since they parted. */
async function sidesOf(
  { git }: Pick<Ports, 'git'>,
  clash: {
    readonly head: string;
    readonly baseSha: string;
    readonly merges: readonly { readonly id: string; readonly sha: string }[];
    readonly files: readonly string[];
  },
): Promise<{ title: string; diff: string }[]> {
  const { head, baseSha, merges, files: paths } = clash;
  const asked = [
    // A branch that starts from one dependency has that one's side.
    { title: 'What your branch did there', from: merges[0]?.sha ?? baseSha, to: head },
    ...merges.map(({ id, sha }) => ({ title: `What ${id} did there`, from: head, to: sha })),
  ];
  return Promise.all(
    asked.map(async ({ title, from, to }) => {
      const diff = await git.diff({ from, to, paths });
      const cut = diff.length > SIDE ? `${diff.slice(0, SIDE)}\n(shortened)` : diff;
      return { title, diff: cut };
    }),
  );
}
