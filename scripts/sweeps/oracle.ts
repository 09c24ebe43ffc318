/** Looks from outside at whether the promises held: work kept, one worker a stream, and a status that agrees with the world. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { StatusReport } from '../../src/report/types.ts';
import { until } from '../../test/support/wait.ts';
import type { ProjectRig } from '../../test/support/worker-rig.ts';

/** Git in the project as the user would run it, also where it may fail. */
export function gitIn(rig: ProjectRig, ...args: string[]): string {
  return rig.cli.git(...args);
}

/** True while a process lives; a zombie does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false; // Gone between the look at the directory and the read.
  }
}

/** Every commit is still reached by a branch, a ref of ours or a reflog. */
export function assertKept(rig: ProjectRig, commits: readonly string[]): void {
  const kept = new Set(gitIn(rig, 'rev-list', '--all', '--reflog').split('\n'));
  for (const sha of commits) assert.ok(kept.has(sha), `commit ${sha} is lost`);
}

/** No process of the project is left. */
export function untilNobodyIsLeft(rig: ProjectRig): Promise<unknown> {
  return until('no process of the project is left', () => rig.marked().length === 0);
}

/** What `status --json` says is so: who works, what is verified, where it is, which session and poller live. */
export async function assertStatusAgrees(rig: ProjectRig): Promise<StatusReport> {
  const report = await rig.status();
  for (const { id, state, pid, verifiedSha, headSha, branch, worktree, tasks } of report.streams) {
    const said = `${id} is ${state}`;
    if (pid !== null) assert.ok(isAlive(pid), `${said}: its process ${pid} is gone`);
    const living = rig.desk.starts().filter((each) => each.stream === id && isAlive(each.pid));
    if (living.length > 0)
      assert.ok(!['waiting', 'ready', 'failed'].includes(state), `${said}, and its agent lives`);
    if (worktree !== null && state === 'done')
      assert.ok(existsSync(join(rig.root, worktree)), `${said}: no worktree`);
    if (state !== 'done') continue;
    assert.equal(tasks.completed + tasks.cancelled, tasks.total, said);
    assert.ok(
      verifiedSha !== null && headSha === verifiedSha,
      `${said} at ${headSha}, verified ${verifiedSha}`,
    );
    if (branch !== null) assert.equal(gitIn(rig, 'rev-parse', branch), verifiedSha, said);
  }
  if (report.poller.alive) assert.ok(isAlive(report.poller.pid ?? 0), 'status knows a poller that is gone');
  return report;
}

/** The databases of a project are whole. */
export function assertStoresWhole(rig: ProjectRig): void {
  assert.equal(rig.store.readPlan().problems.length, 0, 'the plan has problems');
}

/** The files below a directory with their contents, but for what `leftOut` names; to be compared with another's. */
export function contentsOf(
  root: string,
  leftOut: RegExp,
  known: (text: string) => string,
): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (directory: string): void => {
    for (const name of readdirSync(directory).sort()) {
      const path = join(directory, name);
      const place = relative(root, path);
      if (leftOut.test(place)) continue;
      const stat = lstatSync(path);
      const mode = (stat.mode & 0o777).toString(8);
      if (stat.isDirectory()) walk(path);
      else if (stat.isSymbolicLink()) found[place] = `-> ${known(readlinkSync(path))}`;
      else
        found[place] = `${mode} ${createHash('sha256')
          .update(known(readFileSync(path, 'latin1')))
          .digest('hex')}`;
    }
  };
  walk(root);
  return found;
}
