/** The vocabulary of worktrees made ahead of need: what is remembered of one; knows nothing of how it is made. */

/**
 * A worktree that was made before its stream could start: on no branch, so that nobody takes it for work. What is written
 * here saves asking; whoever uses the worktree looks at it first. Null once its stream has begun.
 */
export type Ahead = {
  /** Where it was made: the configuration may name another place by now. */
  readonly path: string;
  /** What it was made for: the commits that the stream would start from (none: the plan's base). Null while it is being moved. */
  readonly parents: readonly string[] | null;
  /** Commits that we have put it on, the latest first: anything else there is somebody's work. */
  readonly bases: readonly string[];
  /** The commit on which its set-up went well last; null for none. */
  readonly setUp: string | null;
};
