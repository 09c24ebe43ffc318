/** `sync`: brings streams onto what their dependencies have come to, with their gates and without an agent. */
import { untilSignal } from '../app/signals.ts';
import { withPorts } from '../app/wiring.ts';
import { EXIT } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { commandFor } from '../core/shell-word.ts';
import { refuseSteering } from '../operator/run-scope.ts';
import { planSync, requestSync, type SyncAnswer } from '../operator/sync.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';

/** Longest time between a signal and the end of the process: a gate under way gets it to end. */
const LEAVE_MS = 5_000;

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'sync');
    if (flags['dry-run'] === true) return tell(await planSync(ports, args), io);
    return untilSignal(LEAVE_MS, async (signal) => tell(await requestSync(ports, args, signal), io));
  });
}

/** What to type about a stream that is not up to date. */
function nextStep({ stream, result }: SyncAnswer): string {
  if (result === 'conflict') return commandFor('resolve', stream);
  return result === 'failed' ? commandFor('status', stream) : 'orchestrate start';
}

function tell(answers: readonly SyncAnswer[], io: Io): number {
  const ok = answers.every(({ result }) => result === 'synced');
  if (io.json)
    io.print(
      JSON.stringify({
        schemaVersion: 1,
        streams: answers.map(({ stream: id, ...rest }) => ({ id, ...rest })),
      }),
    );
  else if (answers.length === 0) io.print('everything is up to date with what it builds on');
  else
    for (const answer of answers) {
      io.print(`${printable(answer.stream)}: ${printable(answer.message, 500)}`);
      if (answer.result !== 'synced') io.print(`  fix: ${nextStep(answer)}`);
    }
  return ok ? EXIT.ok : EXIT.unfinished;
}
