/** The marks by which this project's processes are found again after any death; derived from the project's path. */
import { createHash } from 'node:crypto';

/** Marks of one project: `run` for a worker's tree, `poller` for the children of one poller, `pollers` for those of any. */
export type Marks = {
  run(key: string, run: number): string;
  readonly poller: string;
  readonly pollers: string;
};

/** Marks for the project at `root`; `pollerId` tells this poller's children from an earlier one's. */
export function projectMarks(root: string, pollerId: string): Marks {
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 16);
  return {
    run: (key, run) => `${hash}:run:${key}:${run}`,
    poller: `${hash}:poller:${pollerId}`,
    pollers: `${hash}:poller:`,
  };
}
