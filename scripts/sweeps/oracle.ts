/** Looks from outside at whether the promises held: work kept, one worker a stream, and a status that agrees with the world. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import Database from 'better-sqlite3';
import type { StatusReport } from '../../src/report/types.ts';
import { isAlive } from '../../test/support/alive.ts';
import { until } from '../../test/support/wait.ts';
import type { ProjectRig } from '../../test/support/worker-rig.ts';

/** Every commit is still reached by a branch, a ref of ours or a reflog. */
export function assertKept(rig: ProjectRig, commits: readonly string[]): void {
  const kept = new Set(rig.cli.git('rev-list', '--all', '--reflog').split('\n'));
  for (const sha of commits) assert.ok(kept.has(sha), `commit ${sha} is lost`);
}

/** Every page of every database below `home` is sound. */
export function assertDatabasesWhole(home: string): void {
  const all = readdirSync(home, { recursive: true, encoding: 'utf8' });
  for (const name of all.filter((each) => /(?:^|\/)(?:state|tasks)\.db$/.test(each))) {
    const db = new Database(join(home, name), { readonly: true });
    try {
      assert.equal(db.pragma('integrity_check', { simple: true }), 'ok', name);
    } finally {
      db.close();
    }
  }
}

/** No process of the project is left. */
export function untilNobodyIsLeft(rig: ProjectRig): Promise<unknown> {
  return until('no process of the project is left', () => rig.marked().length === 0);
}

/** What `status --json` says is so: who works, what is verified, where it is, which poller lives. */
export async function assertStatusAgrees(rig: ProjectRig): Promise<StatusReport> {
  const report = await rig.status();
  for (const stream of report.streams) {
    const { id, state, pid } = stream;
    if (pid !== null) assert.ok(isAlive(pid), `${id} is ${state}: its process ${pid} is gone`);
    const lives = rig.desk.starts().some((each) => each.stream === id && isAlive(each.pid));
    assert.ok(!lives || !IDLE.has(state), `${id} is ${state}, and its agent lives`);
    if (state === 'done') assertDone(rig, stream);
  }
  const { alive, pid } = report.poller;
  assert.ok(!alive || isAlive(pid ?? 0), 'status knows a poller that is gone');
  return report;
}

/** States in which no agent of the stream lives. */
const IDLE: ReadonlySet<string> = new Set(['waiting', 'ready', 'queued', 'failed', 'parked']);

function assertDone(rig: ProjectRig, stream: StatusReport['streams'][number]): void {
  const { id, verifiedSha, headSha, branch, tasks } = stream;
  assert.equal(tasks.completed + tasks.cancelled, tasks.total, `${id} is done`);
  assert.ok(verifiedSha !== null && headSha === verifiedSha, `${id} at ${headSha}, verified ${verifiedSha}`);
  if (branch !== null) assert.equal(rig.cli.git('rev-parse', branch), verifiedSha, `the branch of ${id}`);
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

/** Fails with the names of the files that are missing, too many or different. */
export function assertSameFiles(
  found: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): void {
  const names = [...new Set([...Object.keys(found), ...Object.keys(wanted)])];
  const different = names.flatMap((name) => {
    if (found[name] === wanted[name]) return [];
    return [`${found[name] === undefined ? '-' : wanted[name] === undefined ? '+' : '~'}${name}`];
  });
  assert.deepEqual(different, []);
}
