/** Refuses to act on a directory that is not a worktree of ours. */
import { EXIT, OrchestrateError } from '../core/errors.ts';
import type { Door } from './door.ts';
import { kindAt, readLink, type WorktreeLink } from './worktree-link.ts';

/** The worktree at a path; throws exit 5 when it is missing or its git files are not the ones we made. */
export function requireLink(door: Door, path: string): WorktreeLink {
  const link = readLink(path, door.commonDir);
  if (link !== null) return link;
  const why = kindAt(path) === 'missing' ? 'is missing' : 'is no longer the worktree that was made';
  throw new OrchestrateError(
    EXIT.refused,
    `the worktree ${JSON.stringify(path)} ${why}`,
    'orchestrate start makes a missing one again; a directory that is in its place must be moved away first',
  );
}
