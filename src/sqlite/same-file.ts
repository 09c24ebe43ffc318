/** Keeps something open on a database for as long as its file is the same one: a restored backup is opened again. */
import { type Stats, statSync } from 'node:fs';

/** Something open on a file; `close` closes what is open, and a later `get` opens it again. */
export type OpenOnFile<T> = { readonly get: () => T; readonly close: () => void };

/** A database as it was when it was opened: its file, and its log as soon as there is one. */
type Seen = { readonly file: Stats | undefined; readonly log: Stats | undefined };

/**
 * Opens the database at `path` on the first `get`, and again on each `get` that finds another file there, none, or one that
 * was written to other than through its log. What `open` throws passes, and the next `get` tries again. SQLite itself works
 * on with a file that was removed, replaced, or copied over; the last connection to close even writes the former log into
 * it, so that who keeps one open for long opens it to read only.
 */
export function openOnFile<T extends { readonly close: () => void }>(
  path: string,
  open: () => T,
): OpenOnFile<T> {
  let opened: { readonly value: T; readonly seen: Seen } | null = null;
  const close = (): void => {
    const former = opened;
    opened = null;
    former?.value.close();
  };
  return {
    get: () => {
      if (opened !== null && isAsSeen(opened.seen, path)) {
        if (opened.seen.log === undefined) opened = { ...opened, seen: { ...opened.seen, log: logAt(path) } };
        return opened.value;
      }
      close();
      // Looked at first: a file that takes its place while it is opened is found to be another one at the next use.
      const before = fileAt(path);
      const value = open();
      opened = { value, seen: { file: before ?? fileAt(path), log: logAt(path) } };
      return value;
    },
    close,
  };
}

/** True while the database is the one that was opened. Its file changes when the log is written back, too: that is rare. */
function isAsSeen({ file, log }: Seen, path: string): boolean {
  const now = fileAt(path);
  if (now === undefined || !isSameFile(file, now)) return false;
  if (now.mtimeMs !== file?.mtimeMs || now.size !== file.size) return false;
  return log === undefined || isSameFile(log, logAt(path));
}

function logAt(path: string): Stats | undefined {
  return fileAt(`${path}-wal`);
}

/** The file at a path, undefined when there is none. */
export function fileAt(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** True when both are one and the same file; two files that are not there are not. */
export function isSameFile(a: Stats | undefined, b: Stats | undefined): boolean {
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
