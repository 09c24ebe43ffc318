/** `merge`: lands what is done on the user's branch, or says what that would do. */
import { untilSignal } from '../app/signals.ts';
import { withPorts } from '../app/wiring.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import type { LandingReport } from '../core/landing.ts';
import { LANDING_STRATEGIES } from '../core/landing-types.ts';
import { land, landDry } from '../landing/land.ts';
import { findStream } from '../operator/find-stream.ts';
import { refuseSteering } from '../operator/run-scope.ts';
import { renderLanding } from '../view/pages/landing-text.ts';
import { createStyle } from '../view/style.ts';
import { choiceFlag, type Flags, textFlag } from './definition.ts';
import { type Io, wantsUnicode } from './io.ts';

/** Longest time between a signal and the end of the process: a gate under way gets it to end. */
const LEAVE_MS = 5_000;

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'merge');
    return untilSignal(LEAVE_MS, async (abort) => {
      const request = {
        named: args.map((name) => findStream(ports, name).streamId),
        into: textFlag(flags, 'into') ?? null,
        strategy: choiceFlag(flags, 'strategy', LANDING_STRATEGIES) ?? null,
        gates: flags['no-gates'] !== true,
        abort,
        tell: (progress: string) => {
          if (!io.json) io.print(progress);
        },
      };
      const report = await (flags['dry-run'] === true ? landDry : land)(ports, request);
      tell(report, io);
      return codeOf(report, request.named);
    });
  });
}

function tell(report: LandingReport, io: Io): void {
  if (io.json) {
    io.print(JSON.stringify(report));
    return;
  }
  const style = createStyle({ colour: io.colour, unicode: wantsUnicode(io.env) });
  for (const line of renderLanding(report, style)) io.print(line);
}

/** What a dry run says is what the run itself would exit with. */
function codeOf(report: LandingReport, named: readonly string[]): number {
  const { landed, contained, clashes, rejected, waiting, notDone, refusal } = report;
  if (refusal !== null) return refusal.exitCode;
  if (clashes.length + rejected.length > 0) return EXIT.unfinished;
  if (named.length > 0 && notDone.length + waiting.length > 0) return EXIT.unfinished;
  if (landed.length + contained.length > 0) return EXIT.ok;
  throw new OrchestrateError(EXIT.unfinished, 'no stream is done yet', 'orchestrate status');
}
