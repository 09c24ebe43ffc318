/** Puts one file of ours into the project and takes it away again; a file that somebody changed is kept. */
import { chmodSync, lstatSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { type Change, type InitContext, type InitStep, kept, unchanged } from './change.ts';
import { writePrivately } from './write.ts';

/** A file that init owns. */
export type OwnedFile = {
  readonly path: (context: InitContext) => string;
  /** What it should hold; null: whatever it holds now is right. */
  readonly content: (context: InitContext) => string | null;
  readonly mode: number;
  /** Somebody else's file in its place is kept even with `--force`; the reason shown. */
  readonly yields?: string;
};

/** The step that looks after one file. */
export function fileStep(file: OwnedFile): InitStep {
  return {
    plan: (context) => [planFile(file, context)],
    undo: (context) => [undoFile(file, context)].filter((change) => change !== null),
  };
}

/** What is at a path: nothing, a regular file with its text, or something else. */
type Found = { kind: 'missing' } | { kind: 'other' } | { kind: 'file'; content: string; mode: number };

function planFile(file: OwnedFile, context: InitContext): Change {
  const path = file.path(context);
  const what = relative(context.paths.root, path);
  const found = look(path);
  const wanted = file.content(context);
  if (wanted === null) return unchanged(what);
  const write = () => {
    context.manifest.claim(what, wanted);
    writePrivately(path, wanted, file.mode);
    context.manifest.record(what, wanted);
  };
  if (found.kind === 'missing') return { verb: 'create', what, note: null, apply: write };
  if (found.kind === 'file' && found.content === wanted) return planMode(file, path, found, context);
  if (found.kind === 'file' && context.manifest.isOurs(what, found.content)) {
    return { verb: 'update', what, note: null, apply: write };
  }
  if (file.yields !== undefined) return kept(what, file.yields);
  if (!context.force) return kept(what, 'it was changed; --force replaces it and keeps a backup');
  return replacing(path, context, write);
}

/** What is at `path` is kept as a backup beside it, and `write` makes ours. */
export function replacing(path: string, { paths, nowMs }: InitContext, write: () => void): Change {
  const backup = `${path}.bak-${new Date(nowMs).toISOString().replace(/[:.]/g, '-')}`;
  const apply = () => {
    renameSync(path, backup);
    write();
  };
  const note = `backup: ${relative(paths.root, backup)}`;
  return { verb: 'replace', what: relative(paths.root, path), note, apply };
}

/** Right content: the manifest learns it (after a clone it may not know), and a lost execute bit is given back. */
function planMode(
  file: OwnedFile,
  path: string,
  found: { content: string; mode: number },
  context: InitContext,
): Change {
  const what = relative(context.paths.root, path);
  const executable = file.mode & 0o111;
  if ((found.mode & executable) === executable) {
    return { ...unchanged(what), apply: () => context.manifest.record(what, found.content) };
  }
  return { verb: 'update', what, note: 'made executable', apply: () => chmodSync(path, file.mode) };
}

function undoFile(file: OwnedFile, context: InitContext): Change | null {
  const path = file.path(context);
  const what = relative(context.paths.root, path);
  const found = look(path);
  if (found.kind === 'missing') return null;
  const ours =
    found.kind === 'file' &&
    (context.manifest.isOurs(what, found.content) || found.content === file.content(context));
  if (!ours) return kept(what, 'it was changed');
  const remove = () => {
    rmSync(path);
    context.manifest.forget(what);
  };
  return { verb: 'remove', what, note: null, apply: remove };
}

function look(path: string): Found {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { kind: 'missing' };
  if (!stat.isFile()) return { kind: 'other' };
  return { kind: 'file', content: readFileSync(path, 'utf8'), mode: stat.mode };
}
