/** Gets a stream's worktree ready to work in: made or mended, furnished, and set up once by the configured commands. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StreamRecord } from '../core/types.ts';
import { EXIT, OrchestrateError } from '../errors.ts';
import { commandEnvironment } from './environment.ts';
import type { Step } from './step.ts';
import { note, privateDirectory } from './step.ts';

/** Makes the worktree ready for run `run`; throws with the log's name when a setup command fails. */
export async function prepareWorktree(
  step: Step,
  record: StreamRecord,
  run: number,
  baseSha: string,
): Promise<void> {
  const { ports } = step;
  await claimBranch(step, record);
  const made = await ports.git.ensureWorktree({
    path: record.worktree,
    branch: record.branch,
    baseSha,
    key: record.key,
    ours: true,
  });
  const marker = join(privateDirectory(join(ports.paths.runsDir, 'setup')), `${record.key}.done`);
  if (made === 'reused' && existsSync(marker)) return;
  const warnings = await ports.git.furnishWorktree({
    path: record.worktree,
    symlink: ports.config.worktree.symlink,
  });
  for (const warning of warnings) note(step, record.key, run, 'warning', warning);
  await runSetup(step, record, run, baseSha);
  writeFileSync(marker, '', { mode: 0o600 });
}

/**
 * Notes that the branch is ours just before it is first made, after seeing that there is none: so a kill in between leaves a
 * branch that the next launch knows for its own, and a branch that someone else made is never taken over.
 */
async function claimBranch(step: Step, record: StreamRecord): Promise<void> {
  const { git, state } = step.ports;
  const name = `branch-of:${record.key}`;
  if (state.getMeta(name) !== null) return;
  if ((await git.resolve(`refs/heads/${record.branch}`)) !== null) {
    throw new OrchestrateError(
      EXIT.refused,
      `branch ${record.branch} exists already and was not made by orchestrate`,
      `git branch -m ${record.branch} <another-name>, or set another branchPrefix in config.json`,
    );
  }
  state.setMeta(name, record.branch);
}

async function runSetup(step: Step, record: StreamRecord, run: number, baseSha: string): Promise<void> {
  const { ports } = step;
  const { setup, setupTimeoutSeconds } = ports.config.worktree;
  const log = join(privateDirectory(join(ports.paths.logsDir, 'setup')), `${record.key}.log`);
  for (const command of setup) {
    note(step, record.key, run, 'setup', `setup: ${command}`);
    const result = await ports.processes.runShell({
      command,
      cwd: record.worktree,
      env: commandEnvironment(ports, record, run, baseSha),
      log,
      timeoutMs: setupTimeoutSeconds * 1000,
      mark: step.ports.marks.own,
      abort: step.abort,
    });
    if (step.abort.aborted || result.exitCode === 0) continue;
    const how = result.timedOut
      ? `timed out after ${setupTimeoutSeconds} s`
      : `failed (${result.signal ?? `exit ${result.exitCode}`})`;
    throw new OrchestrateError(
      EXIT.environment,
      `setup command "${command}" ${how}, log: ${log}`,
      `read ${log}`,
    );
  }
}
