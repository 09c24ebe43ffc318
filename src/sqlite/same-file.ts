/** Keeps something open on a file for as long as the file at its path is the same one: a restored backup is opened anew. */
import { type Stats, statSync } from 'node:fs';

/** Something open on a file; `close` closes what is open, and a later `get` opens it again. */
export type OpenOnFile<T> = { readonly get: () => T; readonly close: () => void };

/**
 * Opens the file at `path` on the first `get`, and anew on each `get` that finds another file there, or none. What `open`
 * throws passes, and the next `get` tries again. SQLite itself works on with a file that was removed or replaced.
 */
export function openOnFile<T extends { readonly close: () => void }>(
  path: string,
  open: () => T,
): OpenOnFile<T> {
  let opened: { readonly value: T; readonly file: Stats | undefined } | null = null;
  const close = (): void => {
    const former = opened;
    opened = null;
    former?.value.close();
  };
  return {
    get: () => {
      if (opened !== null && isSameFile(opened.file, fileAt(path))) return opened.value;
      close();
      // Looked at first: a file that takes its place while it is opened is found to be another one at the next use.
      const before = fileAt(path);
      const value = open();
      opened = { value, file: before ?? fileAt(path) };
      return value;
    },
    close,
  };
}

/** The file at a path, undefined when there is none. */
export function fileAt(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** True when both are one and the same file; two files that are not there are not. */
export function isSameFile(a: Stats | undefined, b: Stats | undefined): boolean {
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
