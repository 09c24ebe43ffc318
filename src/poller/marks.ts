/** The marks by which this project's processes are found again after any death; derived from the project's path. */

import type { ProcessIdentity } from '../core/types.ts';
import { tagOf } from '../files/sha256.ts';

/** Marks of one project: `run` for a worker's tree, `own` for the children (git, gates, setup) of this process. */
export type Marks = {
  run(key: string, run: number): string;
  /** What every mark of the project begins with. */
  readonly all: string;
  /** What the marks of all runs of a stream begin with. */
  runs(key: string): string;
  readonly own: string;
  /** What all marks of children begin with, whoever they are. */
  readonly children: string;
  /** True for what a shell command of the user's (gate, set-up) started, whose mark `runShell` lengthens; false for a tool of ours. */
  isOfCommand(mark: string): boolean;
  /** The process whose child carries this mark; null for another kind of mark. */
  parentOf(mark: string): ProcessIdentity | null;
};

/** Marks for the project at `root`, as seen by the process `self`. */
export function projectMarks(root: string, self: ProcessIdentity): Marks {
  const hash = tagOf(root);
  const children = `${hash}:child:`;
  return {
    run: (key, run) => `${hash}:run:${key}:${run}`,
    all: `${hash}:`,
    runs: (key) => `${hash}:run:${key}:`,
    // The start time is hex: it may hold spaces and colons on some platforms.
    own: `${children}${self.pid}:${Buffer.from(self.start).toString('hex')}`,
    children,
    isOfCommand: (mark) => mark.includes('/'),
    parentOf: (mark) => {
      const [pid, start] = mark.startsWith(children) ? mark.slice(children.length).split(':') : [];
      if (pid === undefined || start === undefined) return null;
      return { pid: Number(pid), start: Buffer.from(start, 'hex').toString() };
    },
  };
}
