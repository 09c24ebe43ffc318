/** Streams: listing and showing them, and which of them touch the same files; changes none. */
import { STREAM_PHASES } from '../../core/types.ts';
import { currentInitiative } from './initiatives.ts';
import { type PlannedTask, planStreams } from './plan-rows.ts';
import {
  type CopilotDb,
  given,
  OLDEST_FIRST,
  parseMetadata,
  SELECT_TASKS,
  STREAM_ID,
  type TaskRow,
  textList,
  textOf,
} from './rows.ts';
import { fullTask } from './tasks.ts';

/** The streams of a PRD, an initiative, or the current initiative, by phase and name. */
export function listStreams(
  db: CopilotDb,
  input: { initiativeId?: string | undefined; prdId?: string | undefined; includeArchived: boolean },
) {
  const initiativeId = input.initiativeId ?? currentInitiative(db)?.id;
  if (input.prdId === undefined && initiativeId === undefined) return { streams: [] };
  const scope = input.prdId === undefined ? { initiativeId } : { prdId: input.prdId };
  const groups = streamGroups(db, { ...scope, includeArchived: input.includeArchived });
  const dependencies = dependenciesByStream(groups.flatMap((group) => group.rows));
  const streams = groups.map((group) => listed(group, dependencies.get(group.id) ?? [])).sort(byPhaseAndName);
  return { streams };
}

type Listed = ReturnType<typeof listed>;

function listed(group: StreamGroup, dependencies: readonly string[]) {
  const stream = describeStream(group);
  const count = (status: string) => group.rows.filter((row) => row.status === status).length;
  return {
    streamId: group.id,
    streamName: stream.name,
    streamPhase: stream.phase,
    totalTasks: group.rows.length,
    completedTasks: count('completed'),
    inProgressTasks: count('in_progress'),
    blockedTasks: count('blocked'),
    pendingTasks: count('pending'),
    files: stream.files,
    dependencies,
    worktreePath: stream.worktreePath,
    branchName: stream.branchName,
  };
}

function byPhaseAndName(a: Listed, b: Listed): number {
  return phaseOrder(a) - phaseOrder(b) || (a.streamName < b.streamName ? -1 : 1);
}

function phaseOrder(stream: Listed): number {
  const at = (STREAM_PHASES as readonly string[]).indexOf(stream.streamPhase);
  return at === -1 ? STREAM_PHASES.length : at;
}

/** One stream with its tasks, wherever it is, or null. */
export function getStream(
  db: CopilotDb,
  input: { streamId: string; initiativeId?: string | undefined; includeArchived: boolean },
) {
  const [group] = streamGroups(db, input);
  if (group === undefined) return null;
  // Titles in its dependencies are resolved among all streams.
  const others = streamGroups(db, { ...input, streamId: undefined });
  const dependencies = dependenciesByStream(others.flatMap(({ rows }) => rows));
  const stream = describeStream(group);
  const archived = group.rows.every((row) => row.archived === 1);
  const [oldest] = group.rows;
  return {
    streamId: group.id,
    streamName: stream.name,
    streamPhase: stream.phase,
    tasks: group.rows.map(fullTask),
    dependencies: dependencies.get(group.id) ?? [],
    status: statusOf(group),
    worktreePath: stream.worktreePath,
    branchName: stream.branchName,
    archived,
    archivedAt: archived ? given(oldest.archived_at) : undefined,
    archivedByInitiativeId: archived ? given(oldest.archived_by_initiative_id) : undefined,
  };
}

function statusOf(group: StreamGroup): string {
  const statuses = group.rows.map((row) => row.status);
  if (statuses.every((status) => status === 'completed')) return 'completed';
  if (statuses.includes('blocked')) return 'blocked';
  return statuses.includes('in_progress') ? 'in_progress' : 'pending';
}

/** Which of `files` are also touched by stream tasks that are under way or done and share the main checkout. */
export function conflictingFiles(
  db: CopilotDb,
  input: {
    files: readonly string[];
    excludeStreamId?: string | undefined;
    initiativeId?: string | undefined;
  },
) {
  const asked = new Set(input.files);
  const groups = streamGroups(db, { initiativeId: input.initiativeId, includeArchived: false });
  const conflicts = groups
    .filter((group) => group.id !== input.excludeStreamId)
    .flatMap((group) => conflictsOf(group, asked));
  return { hasConflict: conflicts.length > 0, conflicts };
}

function conflictsOf(group: StreamGroup, asked: ReadonlySet<string>) {
  const { name } = describeStream(group);
  return group.rows
    .filter((row) => row.status === 'in_progress' || row.status === 'completed')
    .flatMap((row) => {
      const metadata = parseMetadata(row.metadata);
      if (textOf(metadata['worktreePath'])) return [];
      const files = [...new Set(textList(metadata['files']))].filter((file) => asked.has(file));
      return files.map((file) => ({
        file,
        streamId: group.id,
        streamName: name,
        taskId: row.id,
        taskTitle: row.title,
        taskStatus: row.status,
      }));
    });
}

/** Which stream tasks to read. */
type StreamFilter = {
  /** Only tasks whose PRD belongs to this initiative. */
  readonly initiativeId?: string | undefined;
  readonly prdId?: string | undefined;
  readonly streamId?: string | undefined;
  readonly includeArchived: boolean;
};

/** One stream: its tasks, oldest first, never empty. */
type StreamGroup = { readonly id: string; readonly rows: readonly [TaskRow, ...TaskRow[]] };

/** The streams that fit, in the order of their oldest task. */
function streamGroups(db: CopilotDb, filter: StreamFilter): StreamGroup[] {
  const rows = db.sql
    .prepare(
      `${SELECT_TASKS} WHERE ${STREAM_ID} IS NOT NULL
         AND (@streamId IS NULL OR ${STREAM_ID} = @streamId)
         AND (@initiativeId IS NULL OR p.initiative_id = @initiativeId)
         AND (@prdId IS NULL OR t.prd_id = @prdId) AND (@includeArchived OR coalesce(t.archived, 0) = 0) ${OLDEST_FIRST}`,
    )
    .all({
      streamId: filter.streamId ?? null,
      initiativeId: filter.initiativeId ?? null,
      prdId: filter.prdId ?? null,
      includeArchived: filter.includeArchived ? 1 : 0,
    }) as TaskRow[];
  const groups = new Map<string, [TaskRow, ...TaskRow[]]>();
  for (const row of rows) {
    const id = row.stream_id ?? '';
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [row]);
    else group.push(row);
  }
  return [...groups].map(([id, members]) => ({ id, rows: members }));
}

/** The PRD of a stream's oldest task in the initiative, or null. */
export function streamPrd(db: CopilotDb, stream: { initiativeId: string; streamId: string }): string | null {
  const [group] = streamGroups(db, { ...stream, includeArchived: false });
  return group?.rows[0].prd_id ?? null;
}

/** What the metadata of a stream's tasks says of the stream: name, phase and worktree by the oldest, files united. */
function describeStream(group: StreamGroup) {
  const oldest = parseMetadata(group.rows[0].metadata);
  const files = group.rows.flatMap((row) => textList(parseMetadata(row.metadata)['files']));
  return {
    name: textOf(oldest['streamName']) ?? group.id,
    phase: textOf(oldest['streamPhase']) ?? 'parallel',
    files: [...new Set(files)],
    worktreePath: textOf(oldest['worktreePath']),
    branchName: textOf(oldest['branchName']),
  };
}

/** The dependencies of each stream that the tasks make up, by stream id. */
function dependenciesByStream(tasks: readonly PlannedTask[]): ReadonlyMap<string, readonly string[]> {
  return new Map(planStreams(tasks).map((stream) => [stream.id, stream.dependencies]));
}
