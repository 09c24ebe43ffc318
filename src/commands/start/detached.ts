/** `start --detach`: opens the poller in the session's `orchestrator` window and waits until it acts. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ports } from '../../app/ports.ts';
import type { Project } from '../../app/project.ts';
import { writeCliRun } from '../../app/wiring.ts';
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { pollerLives } from '../../look/snapshot.ts';
import type { Flags } from '../definition.ts';
import type { Io } from '../io.ts';
import { printHeader } from './header.ts';

const START_WAIT_MS = 15_000;
const LOOK_EACH_MS = 50;

/** Options that the detached poller gets too. */
const PASSED_ON = ['max-workers', 'poll'] as const;

/** Starts the poller in its window; returns once it acts. Throws exit 3 when it ended at once or did not start in time. */
export async function detach(
  project: Project,
  ports: Ports,
  args: readonly string[],
  flags: Flags,
  io: Io,
): Promise<number> {
  await printHeader(ports, io);
  const directory = writeCliRun(project, 'orchestrator', ['start', ...passedOn(flags), '--', ...args]);
  const { server } = await ports.tmux.ensureSession();
  ports.state.setTmuxServer(server);
  const { pane, pid } = await ports.tmux.openOrchestrator(directory);
  const untilMs = performance.now() + START_WAIT_MS;
  while (!pollerLives(ports)) {
    if (await endedWell(ports, server, pane)) break;
    if (performance.now() > untilMs) {
      throw new OrchestrateError(
        EXIT.environment,
        'orchestrate did not start in the background in time',
        'orchestrate start',
      );
    }
    await sleep(LOOK_EACH_MS);
  }
  const attach = ports.tmux.attachCommand();
  if (io.json) io.print(JSON.stringify({ schemaVersion: 1, poller: { pid }, attach }));
  else {
    io.print(`Started in the background (pid ${pid}), in the window "orchestrator"`);
    io.print(`Watch it with: orchestrate status, ./watch-status, or ${attach}`);
  }
  return EXIT.ok;
}

function passedOn(flags: Flags): string[] {
  const values = PASSED_ON.flatMap((name) =>
    typeof flags[name] === 'string' ? [`--${name}`, flags[name]] : [],
  );
  const switches = ['once', 'accept-git-config', 'view'].filter((name) => flags[name] === true);
  return [...values, ...switches.map((name) => `--${name}`)];
}

/** What each error begins with on the poller's screen. */
const ERROR = 'orchestrate: error: ';

/** True when the poller had nothing to do and is through; throws with its exit code and last words when it failed. */
async function endedWell(ports: Ports, server: string, pane: string): Promise<boolean> {
  const look = await ports.tmux.look(server);
  if (!look.known) return false;
  const seen = look.value.panes.find((each) => each.id === pane);
  if (seen !== undefined && !seen.dead) return false;
  if (seen?.exitCode === EXIT.ok) return true;
  throw endedError(seen?.exitCode ?? null, seen === undefined ? '' : await ports.tmux.capture(pane));
}

/** The error for a detached poller that ended: with its own exit code and, off its screen, its own words. */
export function endedError(exitCode: number | null, screen: string): OrchestrateError {
  const lines = screen.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('Pane is dead'));
  const error = lines.findLast((line) => line.startsWith(ERROR))?.slice(ERROR.length);
  const code = Object.values(EXIT).find((each) => each === exitCode) ?? EXIT.environment;
  if (code === EXIT.unfinished && error === undefined) {
    const message = 'orchestrate has ended in the background: nothing can go on by itself';
    return new OrchestrateError(code, message, 'orchestrate status');
  }
  const words = printable(error ?? lines.at(-1) ?? 'without a word');
  return new OrchestrateError(
    code,
    `orchestrate ended at once in the background: ${words}`,
    'orchestrate start',
  );
}
