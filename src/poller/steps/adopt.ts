/** Adopts a stream that was completed without any run: it is done at the base it would have started from. */

import { EXIT, OrchestrateError } from '../../core/errors.ts';
import { commandFor } from '../../core/shell-word.ts';
import type { StreamRecord, VerifyAnswer } from '../../core/types.ts';
import { findBase } from './base.ts';
import type { Step } from './step.ts';
import { note, recordOf, streamOf } from './step.ts';

/** Records the stream as done at its base, or its base conflict; returns which. */
export async function adopt(step: Step, key: string): Promise<VerifyAnswer> {
  const { ports, snapshot } = step;
  const record = recordOf(step, key);
  const stream = streamOf(step, record);
  if (stream === null)
    throw new OrchestrateError(EXIT.state, `${record.streamId} is no longer in the plan`, 'orchestrate plan');
  const base = await findBase(ports, stream, record, snapshot);
  if (!base.ok) {
    ports.state.patchStream(key, { conflict: { parents: base.parents, files: base.files } });
    const message = `its dependencies do not merge: ${base.files.join(', ')}`;
    note(step, key, null, 'base-conflict', message);
    return { ok: false, message };
  }
  // What was adopted at this very base is done since then.
  const before = record.verified?.sha === base.sha ? record.verified.atMs : null;
  const atMs = before ?? ports.now();
  await recordVerified(step, key, base.sha);
  ports.state.patchStream(key, {
    base: { sha: base.sha, parents: base.parents, atMs },
    verified: { sha: base.sha, atMs, adopted: true, run: 0, parents: base.parents },
    conflict: null,
    verifyRequested: false,
  });
  const message = 'its tasks were completed without a run: done at its base';
  note(step, key, null, 'done', message);
  return { ok: true, message };
}

/** True when branch or worktree hold anything beyond the base: commits, or what was never committed. */
export async function holdsWork(
  { ports: { git } }: Pick<Step, 'ports'>,
  { worktree: path, branch }: StreamRecord,
  baseSha: string,
  head: string,
): Promise<boolean> {
  if ((await git.changes(baseSha, head)).commits > 0) return true;
  const { changedCount, untrackedCount } = await git.inspect({ path, branch, baseSha, parents: [] });
  return changedCount + untrackedCount > 0;
}

/**
 * Moves the stream's verified ref to `sha`, whatever it was: most likely what the record says, which saves asking. Throws
 * exit 4 when someone else keeps moving it.
 */
export async function recordVerified(
  step: Pick<Step, 'ports' | 'snapshot'>,
  key: string,
  sha: string,
): Promise<void> {
  const { git } = step.ports;
  const recorded = recordOf(step, key).verified?.sha ?? null;
  if (await git.setVerified(key, sha, recorded)) return;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const old = await git.resolve(`refs/orchestrate/verified/${key}`);
    if (old === sha || (await git.setVerified(key, sha, old))) return;
  }
  throw new OrchestrateError(
    EXIT.busy,
    `the verified head of ${key} is being moved by someone else`,
    commandFor('verify', key),
  );
}
