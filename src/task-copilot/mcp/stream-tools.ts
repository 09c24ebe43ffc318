/** The tools about streams: list, get, conflict_check, unarchive, archive_all. */
import * as z from 'zod';
import { archiveAllStreams, unarchiveStream } from '../tools/stream-archive.ts';
import { conflictingFiles, getStream, listStreams } from '../tools/streams.ts';
import { tool } from './call.ts';
import { files, id } from './fields.ts';

const initiativeId = id.optional().describe('Initiative; default: the current one');
const prdId = id.optional().describe('PRD');
const includeArchived = z.boolean().optional().describe('Archived streams too');

const list = tool({
  name: 'stream_list',
  description: 'List the streams of the current initiative with their task counts, files and dependencies.',
  input: z.object({ initiativeId, prdId, includeArchived }),
  changes: false,
  run: ({ db }, input) => listStreams(db, { ...input, includeArchived: input.includeArchived ?? false }),
});

const get = tool({
  name: 'stream_get',
  description: 'Show a stream with all its tasks.',
  input: z.object({
    streamId: id.describe('Id of the stream'),
    initiativeId: id.optional().describe('Only tasks of this initiative'),
    includeArchived,
  }),
  changes: false,
  run: ({ db }, input) =>
    getStream(db, { ...input, includeArchived: input.includeArchived ?? false }) ?? 'Stream not found',
});

const conflictCheck = tool({
  name: 'stream_conflict_check',
  description: 'Find out which of the files are also touched by streams that are under way or done.',
  input: z.object({
    files: files.describe('Paths to look for'),
    excludeStreamId: id.optional().describe('Stream to leave out, usually your own'),
    initiativeId: id.optional().describe('Only streams of this initiative'),
  }),
  changes: false,
  run: ({ db }, input) => conflictingFiles(db, input),
});

const unarchive = tool({
  name: 'stream_unarchive',
  description: 'Bring an archived stream back into an initiative.',
  input: z.object({ streamId: id.describe('Id of the stream'), initiativeId, prdId }),
  changes: true,
  run: ({ db }, input) => unarchiveStream(db, input),
});

const archiveAll = tool({
  name: 'stream_archive_all',
  description: 'Archive all streams of an initiative or of one PRD.',
  input: z.object({
    confirm: z.boolean().optional().describe('Must be true'),
    initiativeId,
    prdId,
  }),
  changes: true,
  run: ({ db, refuseSwitch }, input) => {
    // What is archived is out of the plan, as by linking another initiative.
    if (input.confirm === true) refuseSwitch(null);
    return archiveAllStreams(db, { ...input, confirm: input.confirm ?? false });
  },
});

export const STREAM_TOOLS = [list, get, conflictCheck, unarchive, archiveAll];
