/** The words of `init`: a step looks at the project and says which changes it would make; only `apply` touches anything. */
import type { ProjectPaths } from '../app/paths.ts';
import type { Places } from './ask-places.ts';
import type { Manifest } from './manifest.ts';
import type { Proposals } from './proposals.ts';

/** What happens to one thing. `apply` is null when nothing has to be done. */
export type Change = {
  readonly verb: 'create' | 'update' | 'replace' | 'remove' | 'keep' | 'unchanged';
  /** What it happens to, as shown: a path relative to the project, or a description. */
  readonly what: string;
  /** Why it is kept, or what else is worth knowing; null when the verb says it all. */
  readonly note: string | null;
  readonly apply: (() => void | Promise<void>) | null;
};

/** What every step can see. */
export type InitContext = {
  readonly paths: ProjectPaths;
  /** Git's common directory, home of `info/exclude`. */
  readonly commonDir: string;
  readonly force: boolean;
  /** What our plugin brings to Claude Code here: `/orchestrate`, and the server of Task Copilot's tools. */
  readonly plugin: { readonly command: boolean; readonly server: boolean };
  readonly nowMs: number;
  readonly manifest: Manifest;
  /** What was accepted of the proposals; null when none were asked about. */
  readonly accepted: Proposals | null;
  /** Where agents start and worktrees are made, for a configuration that is written. */
  readonly places: Places;
  /** Directory of the worktrees, absolute. */
  readonly worktreeRoot: string;
};

/**
 * One part of setting up; `undo` is its part of `--remove`, told what goes `before` it. Steps run in order, and in
 * reverse for `--remove`.
 */
export type InitStep = {
  readonly plan: (context: InitContext) => Change[];
  readonly undo: (context: InitContext, before: readonly Change[]) => Change[];
};

/** A change that changes nothing. */
export function unchanged(what: string): Change {
  return { verb: 'unchanged', what, note: null, apply: null };
}

/** A thing that is left as it is, and why. */
export function kept(what: string, note: string): Change {
  return { verb: 'keep', what, note, apply: null };
}
