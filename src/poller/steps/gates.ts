/** Runs the configured gates in a stream's worktree, in bounds, one result per commit and gate. */
import { join } from 'node:path';
import type { Gate } from '../../app/config/load.ts';
import { printable } from '../../core/printable.ts';
import type { StreamRecord } from '../../core/types.ts';
import type { GateResult } from '../../state/types.ts';
import { commandEnvironment } from '../../worker/environment.ts';
import { type Reviewed, review } from './review-gate.ts';
import type { Step } from './step.ts';
import { howItEnded, note, privateDirectory, runCommand } from './step.ts';

/** A gate that failed: the sentence that says how, and where what it printed is. */
type FailedRun = { readonly message: string; readonly name: string; readonly log: string };

/**
 * Runs all gates on `sha`; returns the first that failed, null when all passed. After each one `changed` is asked what became
 * of the work meanwhile: when it is not null any more, it is the answer, and the gate has passed on nothing. Throws an
 * AbortError when broken off.
 */
export async function runGates<Changed>(
  step: Step,
  record: StreamRecord,
  sha: string,
  changed: () => Promise<Changed | null>,
): Promise<{ readonly failed: FailedRun } | { readonly changed: Changed } | null> {
  for (const [index, gate] of step.ports.config.gates.entries()) {
    if (passedBefore(step, record, sha, gate)) continue;
    const ran = await step.gateSlots(() => runGate(step, record, sha, gate, index));
    if (ran.failed !== null) {
      step.ports.state.addGateResult(ran.result);
      return { failed: ran.failed };
    }
    const found = await changed();
    if (found !== null) return { changed: found };
    step.ports.state.addGateResult(ran.result);
  }
  return null;
}

/** A gate that passed on this very commit is not run again, unless the user asked for another check. */
function passedBefore(step: Step, record: StreamRecord, sha: string, gate: Gate): boolean {
  if (record.verifyRequested) return false;
  const results = step.ports.state.gateResults(record.key, sha);
  const last = results
    .filter((result) => result.name === gate.name && result.command === commandText(gate))
    .at(-1);
  return last?.exitCode === 0;
}

/** The command and where it runs: the same command elsewhere is another check. */
export function commandText({ command: given, agent, cwd }: Gate): string {
  const command = agent ? `review by ${given ?? 'a second agent'}` : (given ?? '');
  return cwd === '.' ? command : `${command}  (in ${cwd})`;
}

async function runGate(
  step: Step,
  record: StreamRecord,
  sha: string,
  gate: Gate,
  index: number,
): Promise<{ readonly result: GateResult; readonly failed: FailedRun | null }> {
  const { ports } = step;
  const run = record.runs.at(-1)?.number ?? 0;
  const log = join(privateDirectory(join(ports.paths.logsDir, 'gates')), `${record.key}-${index + 1}.log`);
  step.abort.throwIfAborted();
  const startedAtMs = ports.now();
  note(step, record.key, run, 'gate', `running gate "${printable(gate.name)}"`);
  const { exitCode, timedOut, cause } = gate.agent
    ? await review(step, record, sha, gate, log)
    : await runByCommand(step, record, sha, gate, log);
  const result = {
    key: record.key,
    sha,
    name: gate.name,
    command: commandText(gate),
    exitCode,
    timedOut,
    log,
    startedAtMs,
    endedAtMs: ports.now(),
  };
  if (exitCode === 0) return { result, failed: null };
  const how = timedOut ? `timed out after ${gate.timeoutSeconds} s` : cause;
  const name = printable(gate.name);
  return { result, failed: { message: `gate "${name}" ${how}, log: ${log}`, name, log } };
}

async function runByCommand(
  step: Step,
  record: StreamRecord,
  sha: string,
  gate: Gate,
  log: string,
): Promise<Reviewed> {
  const { ports } = step;
  const ended = await runCommand(step, {
    command: gate.command ?? '',
    cwd: join(record.worktree, gate.cwd),
    env: commandEnvironment(ports, record, record.runs.at(-1)?.number ?? 0, record.base?.sha ?? sha),
    log,
    timeoutMs: gate.timeoutSeconds * 1000,
    // A server left behind would answer the next gate, or keep its port.
    endLeftovers: true,
  });
  const { exitCode, timedOut } = ended;
  return { exitCode, timedOut, cause: howItEnded(ended, gate.timeoutSeconds) };
}
