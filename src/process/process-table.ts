/** One look at all processes of the system, in the terms that both platforms share. */
import type { ProcessIdentity } from '../core/types.ts';

/** A living process (zombies are left out). `group` is what its terminal signals go to: the session, or the process group where sessions cannot be read. */
export type ProcessRow = ProcessIdentity & { readonly ppid: number; readonly group: number };

/** How a platform is read. */
export type ProcessTable = {
  bootId(): string;
  /** One process, null when there is none or only a zombie is left. */
  identify(pid: number): ProcessIdentity | null;
  rows(): ProcessRow[];
  /** The value of the mark of each of these processes, or of all, that has one and lets us read it. */
  marks(pids?: readonly number[]): Map<number, string>;
  /** True for a process to which numbers stand for the processes that they stand for to us; to one in a container they do not. */
  numbersAsWe(pid: number): boolean;
  /** The working directory of each process that lets us read it. */
  directories(): Map<number, string>;
};
