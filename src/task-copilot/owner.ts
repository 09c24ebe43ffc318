/** Which project a plan store belongs to: an owner file beside it keeps two projects from sharing one workspace by accident. */
import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { parseObject, stringOf } from '../core/json-fields.ts';
import { readIfPresent } from '../files/present.ts';
import { replaceFile } from '../files/replace-file.ts';
import { codeOf, guarded, type StoreFile } from '../sqlite/failures.ts';
import { makePrivateDirectory, makePrivateFile } from '../sqlite/private-files.ts';

/**
 * Makes sure that the store at `storePath` is not another project's. `claim` records `projectRoot` as the owner when there
 * is none, or when the recorded project is gone. Throws exit 7 while the store belongs to another project that still exists;
 * `rename` is what gives this one another workspace.
 */
export function checkOwner(
  storePath: string,
  projectRoot: string,
  { claim: claims, rename }: { readonly claim: boolean; readonly rename: string },
): void {
  const isOf = (owner: string): OrchestrateError => belongsTo(owner, storePath, rename);
  const file = join(dirname(storePath), 'owner.json');
  const place: StoreFile = { path: file, label: 'the owner file', busyTimeoutMs: 0 };
  guarded(place, () => {
    const project = realPath(projectRoot);
    const record = readOwner(file);
    if (record.owner === project) return;
    if (record.owner !== null && existsSync(record.owner)) throw isOf(record.owner);
    if (claims) claim(file, project, record.exists, isOf);
  });
}

/** Records `project`; an existing file, which names no living project, is replaced. Throws `isOf` of who came first. */
function claim(
  file: string,
  project: string,
  replace: boolean,
  isOf: (owner: string) => OrchestrateError,
): void {
  makePrivateDirectory(dirname(file));
  const text = `${JSON.stringify({ project })}\n`;
  if (replace) {
    replaceFile(file, text, 0o600);
    return;
  }
  const draft = `${file}.${randomUUID()}`;
  makePrivateFile(draft);
  try {
    writeFileSync(draft, text);
    // Two projects may claim at once; only one of them can make the link.
    linkSync(draft, file);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const { owner } = readOwner(file);
    if (owner !== project) throw isOf(owner ?? 'unknown');
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The recorded project; its `owner` is null when there is no record or it cannot be read as one. */
function readOwner(file: string): { exists: boolean; owner: string | null } {
  const text = readIfPresent(file);
  if (text === null) return { exists: false, owner: null };
  return { exists: true, owner: stringOf(parseObject(text)?.['project']) };
}

function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

function belongsTo(owner: string, storePath: string, rename: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.input,
    `the plan store ${storePath} belongs to another project: ${owner}`,
    `give this project a workspace of its own: ${rename}`,
  );
}
