/** `verify`: checks a stream's work again, with its gates and without an agent; by the poller when one acts, else by itself. */
import { untilSignal } from '../app/signals.ts';
import { withPorts } from '../app/wiring.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { commandFor } from '../core/shell-word.ts';
import type { VerifyAnswer } from '../core/types.ts';
import { refuseSteering } from '../operator/run-scope.ts';
import { requestVerify } from '../operator/verify.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';

/** Longest time between a signal and the end of the process: a gate under way gets it to end. */
const LEAVE_MS = 5_000;

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'verify');
    return untilSignal(LEAVE_MS, async (signal) =>
      tell(await requestVerify(ports, args[0] ?? '', signal), io),
    );
  });
}

function tell({ stream, ok, message }: VerifyAnswer & { readonly stream: string }, io: Io): number {
  if (io.json) io.print(JSON.stringify({ schemaVersion: 1, stream, verified: ok, message }));
  else if (ok) io.print(message);
  if (ok) return EXIT.ok;
  throw new OrchestrateError(
    EXIT.unfinished,
    `${stream} is not done: ${message}`,
    commandFor('status', stream),
  );
}
