/** Reads one line of Linux' `/proc/<pid>/stat`; knows nothing of files. */

/** What we use of a process' stat line. `start` is in clock ticks since boot and tells two bearers of one pid apart. */
export type ProcStat = {
  readonly pid: number;
  /** One letter; `Z` and `X` are dead. */
  readonly state: string;
  readonly ppid: number;
  readonly sid: number;
  readonly start: string;
};

/**
 * Parses a stat line (fields as proc(5) numbers them). The command name in parentheses may itself hold spaces,
 * parentheses and newlines, so fields are counted from the last `)`. Null when the text is no stat line.
 */
export function parseProcStat(text: string): ProcStat | null {
  const close = text.lastIndexOf(')');
  const pid = Number.parseInt(text, 10);
  const [state, ppid, , sid, ...rest] = text.slice(close + 2).split(' ');
  const start = rest[15];
  if (close < 0 || !(pid > 0) || state === undefined || start === undefined || !/^\d+$/.test(start))
    return null;
  return { pid, state, ppid: Number(ppid), sid: Number(sid), start };
}
