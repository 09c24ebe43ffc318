/** The part of the door to git that takes worktrees and branches away again, and keeps what a removal could lose. */
import type { WorktreeEntry } from '../worktree-link.ts';

/** What saved work is saved as: the name of its ref, and the words for whoever looks for it later. */
export type SavedAs = {
  readonly key: string;
  readonly label: string;
  readonly stream: string;
  readonly reason: string;
};

/** Which ignored files hold nothing: those that set-up made (as `noteMade` noted them; null: none known), and disposable ones. */
export type Spare = { readonly made: string | null; readonly disposable: readonly string[] };

/** Where the work of one stream is, by our records. */
export type Place = Spare & {
  readonly key: string;
  /** Absolute path of its worktree. */
  readonly path: string;
  readonly branch: string;
  /** Whether our records say that the branch was made by us. */
  readonly branchMade: boolean;
  /** Commits and refs that hold what was verified and what landed: commits beyond all of them are new. */
  readonly contained: readonly string[];
};

/** One thing that is kept from being lost. */
export type Held = {
  readonly kind:
    | 'changes'
    | 'untracked'
    | 'ignored'
    | 'commits'
    | 'detached'
    | 'off-branch'
    | 'operation'
    | 'stash'
    | 'repository'
    | 'submodule'
    | 'process'
    | 'agent'
    | 'locked'
    | 'foreign'
    | 'unreadable'
    | 'not-landed';
  /** What it is, in words that follow "kept: ". */
  readonly what: string;
  /** What to type to look at it. */
  readonly look: string;
};

/** What is there of a stream, and what of it would be lost. */
export type Found = {
  readonly worktree: boolean;
  /** Tip of its branch; null when there is none, or none of ours. */
  readonly head: string | null;
  readonly held: readonly Held[];
};

/** What became of a removal: everything is gone but the saved ref, or it is as it was. */
export type Removal =
  | {
      readonly removed: true;
      readonly worktree: boolean;
      /** The branch that was deleted; null where there was none. */
      readonly branch: string | null;
      readonly saved: string | null;
    }
  | { readonly removed: false; readonly held: readonly Held[] };

/** What a saved ref keeps, by its commit's own words. */
export type SavedWork = {
  readonly ref: string;
  readonly sha: string;
  readonly key: string;
  /** Id of the stream, as it was when it was saved. */
  readonly stream: string;
  readonly reason: string;
  readonly atMs: number;
  /** Files that were not committed, and their size; commits are kept besides. */
  readonly files: number;
  readonly bytes: number;
};

/** What git still holds of ours. */
export type Remains = {
  /** Worktrees that are locked in our name, or at whose path our records have one. */
  readonly worktrees: readonly string[];
  readonly branches: readonly string[];
  /** What renames the first of the branches, so that the user can keep it; null when there is none. */
  readonly keepFirst: string | null;
  /** Refs below `refs/orchestrate/`, saved ones among them. */
  readonly refs: readonly string[];
};

/** Facts that all streams share, read once for all of them. */
export type Shared = {
  /** Tips of local branches, by name. */
  readonly tips: ReadonlyMap<string, string>;
  /** Worktrees, by the branch that is checked out in them. */
  readonly checkouts: ReadonlyMap<string, readonly string[]>;
  /** Messages of all stashes, the latest first. */
  readonly stashes: readonly string[];
  /** Variables that name who saves. */
  readonly author: Readonly<Record<string, string>>;
  /** Git's entries of all worktrees. */
  readonly entries: readonly WorktreeEntry[];
};

export type Tidy = {
  /**
   * The ignored files of a worktree that hold something in themselves, as text for `Spare.made`; for right after set-up.
   * Those that `before`, such a text from before set-up, has are left out: somebody else made them; and those that are as
   * `former`, such a text of an earlier set-up, has them.
   */
  noteMade(
    path: string,
    disposable: readonly string[],
    notes?: { readonly before?: string | null; readonly former?: string | null },
  ): Promise<string>;
  /**
   * A ref below `refs/orchestrate/saved/<key>/` that keeps every byte of a worktree: its head, what is staged, changed,
   * untracked and ignored, and commits that only it knows. Throws exit 5 for what one commit cannot hold.
   */
  saveSnapshot(request: {
    readonly path: string;
    readonly as: SavedAs;
    readonly spare: Spare;
  }): Promise<string>;
  /** Reads what all streams share. */
  shared(): Promise<Shared>;
  /** What is there of a stream and what of it would be lost; changes nothing. */
  find(place: Place, shared: Shared): Promise<Found>;
  /**
   * Takes worktree and branch away when they hold nothing that would be lost, after a saved ref; finishes what a kill cut
   * off. `others` is asked right before it what else keeps the place.
   */
  remove(
    place: Place,
    shared: Shared,
    request: { readonly stream: string; readonly reason: string; readonly others: () => readonly Held[] },
  ): Promise<Removal>;
  /** Everything that was saved, the latest first. */
  savedWork(): Promise<readonly SavedWork[]>;
  /**
   * Makes a branch and a worktree of what was saved: committed work as it was, the rest as uncommitted changes. Throws exit
   * 5 where the branch or the path is taken.
   */
  bringBack(
    saved: Pick<SavedWork, 'sha'>,
    place: { readonly key: string; readonly path: string; readonly branch: string },
  ): Promise<void>;
  /** Deletes saved refs, unless one has moved since it was read. */
  forgetSaved(saved: readonly Pick<SavedWork, 'ref' | 'sha'>[]): Promise<void>;
  /** Deletes refs of ours, saved ones apart, whose commits a branch, a tag or a saved ref has too; returns the refs that stay. */
  forgetContained(): Promise<readonly string[]>;
  /** What git still holds of ours; `places`: by our records. */
  remains(places: readonly Pick<Place, 'path' | 'branch' | 'branchMade'>[]): Promise<Remains>;
};
