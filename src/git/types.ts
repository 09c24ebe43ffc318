/** The door to git: worktrees, bases, inspection and our own refs; knows nothing of streams' states or of tmux. */
import type { Known, Landing, LandingStrategy } from '../core/types.ts';
import type { Tidy } from './tidy/types.ts';

export type BaseResult =
  | { readonly ok: true; readonly sha: string }
  /** The parents don't merge; nothing was changed. */
  | { readonly ok: false; readonly files: readonly string[] };

/** What holds of a stream's worktree; read without running hooks, fsmonitor or anything a worker configured. */
export type WorktreeFacts = {
  readonly exists: boolean;
  /** The worktree's `.git` file and common directory are the ones we made. */
  readonly intact: boolean;
  /** Branch checked out (short name), null when detached. */
  readonly branch: string | null;
  readonly headSha: string | null;
  /** `merge`, `rebase`, `cherry-pick`, `revert`, `bisect` when under way. */
  readonly operation: string | null;
  /** Tracked files changed or staged, and untracked (not ignored) files; at most 50 of each, plus the full counts. */
  readonly changed: readonly string[];
  readonly changedCount: number;
  readonly untracked: readonly string[];
  readonly untrackedCount: number;
  /** Files, at most 50, that were so before the agent began (see `noteBornDirty`) and are unchanged; not among the above. */
  readonly bornDirty: readonly string[];
  /** Commits on HEAD that are not in `baseSha`. */
  readonly commitsSinceBase: number;
  /** Parents (of the recorded base) that HEAD does not contain. */
  readonly missingParents: readonly string[];
  /** What the commits since the base name and nobody else can get. */
  readonly unshared: readonly Unshared[];
};

/** What a fresh worktree is dirty with: files that git calls changed in every checkout, and what set-up changed or left. */
export type BornDirty = { readonly repository: readonly string[]; readonly setup: readonly string[] };

/** A file that two commits have differently, or only one of them has. */
export type DifferingFile = { readonly path: string; readonly submodule: boolean };

/** Something that a commit names and that nobody else can get: a submodule's commit, or the content of a file of git-lfs. */
export type Unshared = {
  readonly kind: 'submodule' | 'big file';
  readonly path: string;
  readonly sha: string;
};

/** What a fresh worktree lacks of what the main checkout has, or of what the commit only names. */
export type Absent = {
  /** Paths of submodules. */
  readonly submodules: readonly string[];
  /** Files kept by git-lfs: how many, of how many the content is not here, whether git is told to fill them in; null: none. */
  readonly bigFiles: { readonly files: number; readonly absent: number; readonly smudges: boolean } | null;
  /** A directory of hooks (`core.hooksPath`) that is not committed. */
  readonly hooks: string | null;
  /** Ignored files that look like settings, and that `.worktreeinclude` does not name. */
  readonly ignored: readonly string[];
};

export type RefFacts = {
  /** Tips of the branches below the prefix, by key. */
  readonly heads: ReadonlyMap<string, string>;
  /** `refs/orchestrate/verified/<key>`. */
  readonly verified: ReadonlyMap<string, string>;
  /** Tip of the branch that was asked about; null when there is none. */
  readonly tip: string | null;
};

/** The work of a stream that a branch may contain. */
export type Candidate = {
  readonly key: string;
  readonly head: string;
  /** What its branch started from. */
  readonly base: string;
  /** Keys of the candidates that it builds on. */
  readonly after: readonly string[];
  /** The commits that earlier heads of it, or this one, became by landing. */
  readonly landings: readonly Pick<Landing, 'head' | 'commits'>[];
};

/** A candidate with the words of the commit that brings it in. */
export type LineStream = Candidate & { readonly message: string };

export type LineRequest = {
  /** The commit to lay the line on. */
  readonly tip: string;
  /** All that is verified, dependencies before dependents: what is not wanted may have landed before. */
  readonly streams: readonly LineStream[];
  /** Keys of those that are to land. */
  readonly wanted: ReadonlySet<string>;
  readonly strategy: LandingStrategy;
  /** The branch that it is for. */
  readonly branch: string;
  /** It is kept until the branch has moved to it (`forgetLine`); else nothing is left of it. */
  readonly keep: boolean;
  /** Told why its commits are not signed, though git is told to sign. */
  readonly unsigned: (why: string) => void;
};

/** What one stream adds to the line. */
export type Layer = {
  readonly key: string;
  readonly head: string;
  /** Keys of streams that clash by themselves, and came with this one, which contains them and resolved it. */
  readonly carries: readonly string[];
  /** The oldest first. */
  readonly commits: readonly string[];
  readonly tip: string;
  readonly tree: string;
};

/** A stream that does not merge with the branch, or with the layers (by key) that touch the same files. */
export type LineClash = {
  readonly key: string;
  readonly files: readonly string[];
  readonly against: readonly string[];
};

export type Line = {
  readonly from: string;
  readonly tip: string;
  readonly tree: string;
  readonly layers: readonly Layer[];
  /** Keys of what the branch contains already. */
  readonly contained: readonly string[];
  readonly clashes: readonly LineClash[];
  /** Why the branch could not move to it now, as `moveBranch` would throw it; asked only of a line that is not kept. */
  readonly refusal: Error | null;
};

/** A branch that is to move from where it is expected. */
export type BranchMove = { readonly branch: string; readonly from: string; readonly to: string };

export type Git = Tidy & {
  /** Git's version; throws exit 3 when missing or older than 2.38. */
  checkVersion(): Promise<string>;
  /** The configured base (a branch, a remote's branch, a tag) or the branch checked out, with its tip; exit 3 for an unborn or detached HEAD without configuration. */
  baseTip(configured: string | null): Promise<{ branch: string; sha: string }>;
  /** `branches`: name of each stream's branch, by key. `tip`: of `branch`. One `for-each-ref`. Never throws: a failed read is unknown. */
  readRefs(branches: ReadonlyMap<string, string>, branch: string | null): Promise<Known<RefFacts>>;
  /**
   * Keys of the candidates (dependencies before dependents) whose work the commit `tip` contains: as commits, as what they
   * became when they landed, or by content, however it came there (squashed, picked, rebased, by hand). Changes nothing.
   */
  contained(tip: string, candidates: readonly Candidate[]): Promise<ReadonlySet<string>>;
  /** Lays what is wanted on top of a commit; a stream that clashes, or builds on one that is left out, is left out. */
  layLine(request: LineRequest): Promise<Line>;
  /**
   * Moves a branch to what is built on where it is, together with index and files wherever it is checked out; false when it
   * is not at `from` any more. Throws exit 5, having changed nothing, when that would change a byte that is not committed or
   * an operation is in progress there or it cannot be reached, exit 4 for another git process that stays, exit 3 where refs
   * are not kept in files. A kill in between is mended by `finishMoves`.
   */
  moveBranch(move: BranchMove): Promise<boolean>;
  /** Finishes what moves of branches left when their process was killed, and forgets lines kept for them. No other may be under way. */
  finishMoves(): Promise<void>;
  /** How the repository keeps HEAD and its refs: `files`, where branches can be moved, or something else. */
  refStorage(): Promise<string>;
  /** Trees of commits, by commit. */
  trees(commits: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** A worktree of ours on no branch, made at `path` or brought to another commit: what commands left there is overwritten. */
  scratchWorktree(path: string, sha: string): Promise<void>;
  /** Removes it, with all that is in it. */
  removeScratchWorktree(path: string): Promise<void>;
  /** The line that was kept for the branch is there, or not wanted any more. */
  forgetLine(branch: string): Promise<void>;
  /** Those of the paths (relative to the main checkout, there or not) that git ignores. */
  ignored(paths: readonly string[]): Promise<readonly string[]>;
  /** Tip of a ref or commit-ish of ours, null when absent. */
  resolve(rev: string): Promise<string | null>;
  /** The merge of all parents (in order), made without a worktree; one parent is itself. */
  mergeBases(parents: readonly string[], message: string): Promise<BaseResult>;
  /**
   * Makes, finds or repairs the stream's worktree on its branch: idempotent. A half-made one left by a kill is finished; a
   * vanished directory is made again from the branch. One that was made ahead is taken over: on the branch at the base, with
   * the files that differ. Throws exit 5 for a branch or path that is not ours, or where something would be lost.
   * `ours`: whether our records say that this branch was already created by us; `aheadBases`: where one was put ahead.
   */
  ensureWorktree(request: {
    path: string;
    branch: string;
    baseSha: string;
    key: string;
    ours: boolean;
    aheadBases?: readonly string[];
  }): Promise<'created' | 'reused' | 'repaired' | 'taken over'>;
  /**
   * Makes, finishes or moves a worktree that waits for its stream to start: on no branch, at `sha`. `bases`: the commits that
   * we put it on. Throws exit 5 for a path that is not ours, and where something that somebody did there would be lost.
   */
  makeAhead(request: {
    path: string;
    branch: string;
    sha: string;
    key: string;
    bases: readonly string[];
  }): Promise<'made' | 'repaired' | 'moved' | 'there'>;
  /** Files that differ between two commits, those of submodules too; `matching`: only those that these patterns name. */
  differing(from: string, to: string, matching?: readonly string[]): Promise<readonly DifferingFile[]>;
  /** Copies `.worktreeinclude` matches, makes the symlinks, and puts both into info/exclude. Returns warnings. */
  furnishWorktree(request: { path: string; symlink: readonly string[] }): Promise<string[]>;
  /**
   * Notes what the worktree is dirty with now, before its agent begins: `inspect` leaves it out while it is unchanged. Not
   * what is in `others`, which somebody did before set-up, unless every checkout has it.
   */
  noteBornDirty(path: string, others?: readonly string[]): Promise<BornDirty>;
  /** All files that are changed or untracked and that no earlier note of `noteBornDirty` has. */
  dirtyFiles(path: string): Promise<readonly string[]>;
  /** Files that every checkout of the commit is dirty with, found by making one that is thrown away; null: too many to try. */
  dirtyWhenCheckedOut(sha: string): Promise<readonly string[] | null>;
  /**
   * Moves a stream's branch, checked out in its worktree at `path`, on to `to`, which contains its tip. Throws exit 5 when
   * that would touch what is not committed, also what is ignored, or another branch is checked out there.
   */
  advance(request: { path: string; branch: string; to: string }): Promise<void>;
  /**
   * Facts for the done check; throws only when git itself fails (locked, corrupt): then nothing is known. `seenHead`: the
   * branch's tip as it was just seen, which saves time where it is so still.
   */
  inspect(request: {
    path: string;
    branch: string;
    baseSha: string;
    parents: readonly string[];
    seenHead?: string | null;
  }): Promise<WorktreeFacts>;
  /** Commits tracked changes of the worktree that were made since its agent began, with this message (leftovers: commit). Returns the new head. */
  commitTracked(path: string, message: string): Promise<string>;
  /** In git's own words why it could not commit for want of a name or an address; null when it has both. */
  identityTrouble(): Promise<string | null>;
  /**
   * How a local branch stands to its upstream (without one, to origin's branch of that name), by what was fetched last; null
   * for a branch that has neither, or is no local one.
   */
  baseStanding(
    branch: string,
  ): Promise<{ upstream: string; ahead: number; behind: number; gone: boolean } | null>;
  /** Throws what `ensureWorktree` would throw of names and places that are taken or unusable; makes nothing. */
  checkNames(request: { path: string; branch: string; key: string; ours: boolean }): Promise<void>;
  /** What worktrees made of this commit will lack. */
  absentInWorktrees(sha: string): Promise<Absent>;
  /** What keeps commits from being signed although git is told to sign, as far as it shows without asking anybody; null: nothing. */
  signingTrouble(): Promise<string | null>;
  /** Sets `refs/orchestrate/verified/<key>`, expecting `old` (null: absent); false when it had another value. */
  setVerified(key: string, sha: string, old: string | null): Promise<boolean>;
  /** Number of commits, and +/− lines, of `head` over `base`. */
  changes(
    base: string,
    head: string,
  ): Promise<{ commits: number; added: number; removed: number; files: readonly string[] }>;
  /** What `to` changed in these files (none: in all) since it left `from`, as a text for people. */
  diff(request: { from: string; to: string; paths: readonly string[]; colour?: boolean }): Promise<string>;
  /** The pager that git would use, as a shell's command line. */
  pager(): Promise<string>;
  /**
   * The change of a worktree, committed or not, against `base` as git shows it; filters apart, which only `executableConfig`
   * can tell of, nothing of the repository's own runs for it. Throws exit 5 for what is no worktree of ours.
   */
  diffOfWorktree(worktree: string, base: string): Promise<string>;
  /** The commits of `head` over `base`, the latest first, `most` at most. */
  commits(
    base: string,
    head: string,
    most: number,
  ): Promise<readonly { sha: string; author: string; atMs: number; subject: string }[]>;
  /** Filters, merge drivers and other executable settings of the repository, as one comparable text per name. */
  executableConfig(): Promise<Readonly<Record<string, string>>>;
};
