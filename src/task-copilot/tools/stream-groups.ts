/** Streams as groups of task rows, with what their metadata says of them; does not know which are asked for. */

import {
  OLDEST_FIRST,
  parseMetadata,
  SELECT_TASKS,
  STREAM_ID,
  type TaskRow,
  textList,
  textOf,
} from './rows.ts';
import type { CopilotDb } from './tool-database.ts';

/** Which stream tasks to read. */
export type StreamFilter = {
  /** Only tasks whose PRD belongs to this initiative. */
  readonly initiativeId?: string | undefined;
  readonly prdId?: string | undefined;
  readonly streamId?: string | undefined;
  readonly includeArchived: boolean;
};

/** One stream: its tasks, oldest first, never empty. */
export type StreamGroup = { readonly id: string; readonly rows: readonly [TaskRow, ...TaskRow[]] };

/** The streams that fit, in the order of their oldest task. */
export function streamGroups(db: CopilotDb, filter: StreamFilter): StreamGroup[] {
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
export function describeStream(group: StreamGroup) {
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
