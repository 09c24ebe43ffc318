/** Finds the commit a stream starts from: the plan's base, its dependencies' merged heads, or the landing branch's tip. */

import type { Ports } from '../../app/ports.ts';
import { dependenciesLanded } from '../../core/decide/assessment.ts';
import { dependencyHeads } from '../../core/done.ts';
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import type { PlanStream, Snapshot, StreamRecord } from '../../core/types.ts';
import { landingBranch } from '../../look/landed.ts';
import { initiativeOf } from '../../look/snapshot.ts';

/** A base to start from, or the files on which the dependencies clash. */
export type BaseFound =
  | {
      readonly ok: true;
      readonly sha: string;
      readonly parents: readonly string[];
      readonly mergeFirst: readonly string[];
    }
  | { readonly ok: false; readonly parents: readonly string[]; readonly files: readonly string[] };

/** The plan's base commit: the base branch's tip when this initiative was first started. */
export async function planBase(
  ports: Pick<Ports, 'state' | 'git' | 'config'>,
  initiative: string,
): Promise<{ branch: string; sha: string }> {
  const recorded = ports.state.initiativeBase(initiative);
  if (recorded !== null) return recorded;
  return ports.state.setInitiativeBase(initiative, await ports.git.baseTip(ports.config.baseBranch));
}

/**
 * The base of a stream that has not worked yet and whose dependencies are done. With `record.resolve` a clash is handed to
 * the agent: the base is the first parent, `mergeFirst` are the others.
 */
export async function findBase(
  ports: Ports,
  stream: PlanStream,
  record: StreamRecord,
  snapshot: Snapshot,
): Promise<BaseFound> {
  const parents = dependencyHeads(stream, snapshot);
  if (parents === null) {
    throw new OrchestrateError(
      EXIT.state,
      `a dependency of ${stream.id} has no verified head`,
      'orchestrate status',
    );
  }
  const base = await planBase(ports, initiativeOf(snapshot.plan));
  const [first] = parents;
  if (isCleaned(record, snapshot)) {
    const landed = await landingTip(ports, snapshot, base.branch);
    if (landed !== null) return { ok: true, sha: landed, parents, mergeFirst: [] };
  }
  if (first === undefined) return { ok: true, sha: base.sha, parents: [], mergeFirst: [] };
  const tip = dependenciesLanded(stream, snapshot) ? await landingTip(ports, snapshot, base.branch) : null;
  if (tip !== null) return { ok: true, sha: tip, parents, mergeFirst: [] };
  if (parents.length === 1) return { ok: true, sha: first, parents, mergeFirst: [] };
  if (record.resolve) return { ok: true, sha: first, parents, mergeFirst: parents.slice(1) };
  const merged = await ports.git.mergeBases(parents, `Merge the dependencies of ${record.key}`);
  return merged.ok
    ? { ok: true, sha: merged.sha, parents, mergeFirst: [] }
    : { ok: false, parents, files: merged.files };
}

/** True for a stream whose work has landed and whose branch was taken away since: what it does next begins on what landed. */
export function isCleaned({ key, branchMade, verified, runs }: StreamRecord, { landed }: Snapshot): boolean {
  return !branchMade && runs.length > 0 && verified !== null && landed.has(key);
}

async function landingTip(ports: Ports, snapshot: Snapshot, baseBranch: string): Promise<string | null> {
  const branch = landingBranch(ports, initiativeOf(snapshot.plan)) ?? baseBranch;
  const tip = await ports.git.resolve(`refs/heads/${branch}`);
  return tip ?? ports.git.resolve(`refs/remotes/${branch}`);
}
