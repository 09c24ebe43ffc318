/** Keeps a stream's readable log on disk: appended, private, and without a line lost or told twice when its writer was killed. */
import { appendFileSync, mkdirSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { parseObject } from '../../core/json-fields.ts';
import { readIfPresent, readPartIfPresent, statIfPresent } from '../../files/present.ts';
import { replaceFile } from '../../files/replace-file.ts';
import { createLogFollower, formatLogLine, type LogPlaces, type LogSources, NO_PLACES } from './log.ts';
import { type LogLine, parseLogLine } from './log-line.ts';

/** The log of one stream. */
export type StreamLog = {
  /** Appends what is new; returns how many lines that were. `rest`: also unfinished last lines (a worker has ended). */
  update(rest?: boolean): number;
};

/** Beside the log: what of the sources is in it, and how long the log was then. */
type Bookmark = LogPlaces & { readonly size: number };

/**
 * Opens (or begins) the log at `file` and goes on where the bookmark says. What was appended after the last bookmark, by
 * a writer that was killed in between, is cut off and told again. One writer at a time: the poller.
 */
export function openStreamLog(file: string, sources: LogSources): StreamLog {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const bookmarkFile = `${file}.places`;
  const bookmark = readBookmark(bookmarkFile);
  const size = statIfPresent(file)?.size ?? 0;
  // A shorter log was cut by the user: what is gone stays gone, and nothing is told twice.
  cutTo(file, bookmark?.size ?? 0);
  let told: Bookmark = { ...(bookmark ?? NO_PLACES), size: Math.min(size, bookmark?.size ?? 0) };
  let follower = createLogFollower(sources, told);
  const append = (text: string): void => {
    appendFileSync(file, text, { mode: 0o600 });
    const bookmarked = { ...follower.places(), size: told.size + Buffer.byteLength(text) };
    replaceFile(bookmarkFile, JSON.stringify(bookmarked), 0o600);
    told = bookmarked;
  };
  return {
    update: (rest = false) => {
      const lines = follower.next(rest);
      if (lines.length === 0) return 0;
      try {
        append(`${lines.map(formatLogLine).join('\n')}\n`);
      } catch (cause) {
        // A full disk, say: the same lines are tried again next time, from where the log was whole.
        follower = createLogFollower(sources, told);
        cutTo(file, told.size);
        throw cause;
      }
      return lines.length;
    },
  };
}

/**
 * What is on disk of a stream's log, and up to where its sources are in it; null where there is no log or a shorter one. Only the
 * poller saw when a pane's lines came: the pane's own log has no times.
 */
export function readStreamLog(
  file: string,
): { readonly lines: readonly LogLine[]; readonly places: LogPlaces } | null {
  const places = readBookmark(`${file}.places`);
  if (places === null || (statIfPresent(file)?.size ?? 0) < places.size) return null;
  const text = readPartIfPresent(file, 0, places.size) ?? '';
  return { lines: text.split('\n').slice(0, -1).map(parseLogLine), places };
}

function cutTo(file: string, size: number): void {
  const stat = statIfPresent(file);
  if (stat !== null && stat.size > size) truncateSync(file, size);
}

/** Null when there is none, or none that can be used: then the log is rewritten from its sources. */
function readBookmark(file: string): Bookmark | null {
  const value = parseObject(readIfPresent(file) ?? '');
  return isBookmark(value) ? value : null;
}

function isBookmark(value: unknown): value is Bookmark {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'size' in value &&
    typeof value.size === 'number' &&
    'event' in value &&
    typeof value.event === 'number' &&
    'files' in value &&
    typeof value.files === 'object' &&
    value.files !== null
  );
}
