/** The vocabulary of landing: how work goes into the user's branch, what has, and what keeps it from that. */

export const LANDING_STRATEGIES = ['merge', 'squash', 'rebase'] as const;
/** How a stream's work is written into the landing branch: as a merge commit, as one commit, or commit by commit. */
export type LandingStrategy = (typeof LANDING_STRATEGIES)[number];

/** Whether the landing branch, at `tip`, contains the work at `head`, as was found out once. */
export type LandedAnswer = {
  readonly branch: string;
  readonly tip: string;
  readonly head: string;
  readonly landed: boolean;
};

/** What keeps a stream from landing: its verified head does not merge with what is there, or was to land before it. */
export type LandingClash = {
  readonly branch: string;
  /** Tip of the landing branch when it was found, and the verified head that did not go on. */
  readonly tip: string;
  readonly head: string;
  readonly files: readonly string[];
  /** Ids of the streams that touched these files on the other side; none: the branch's own commits did. */
  readonly against: readonly string[];
};

/** The verified work of a stream as it went into a branch. It counts only while the branch contains the commits. */
export type Landing = {
  /** Numbers rise in the order of landing. */
  readonly number: number;
  readonly initiativeId: string;
  readonly key: string;
  /** The verified head that landed. */
  readonly head: string;
  readonly branch: string;
  /** What it became there, the oldest first. */
  readonly commits: readonly string[];
  readonly strategy: LandingStrategy;
  /** The stream's last run then; 0: none. */
  readonly run: number;
  readonly atMs: number;
};
