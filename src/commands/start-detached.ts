/** `start --detach`: opens the poller in the session's `orchestrator` window and waits until it acts. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Project } from '../context.ts';
import { EXIT, OrchestrateError } from '../errors.ts';
import { writeCliRun } from '../open-ports.ts';
import type { Ports } from '../reconcile/ports.ts';
import { META, pollerLives } from '../reconcile/snapshot.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';
import { printHeader } from './start-header.ts';

const START_WAIT_MS = 15_000;
const LOOK_EACH_MS = 50;

/** Options that the detached poller gets too. */
const PASSED_ON = ['max-workers', 'poll'] as const;

export async function detach(
  project: Project,
  ports: Ports,
  args: readonly string[],
  flags: Flags,
  io: Io,
): Promise<number> {
  await printHeader(ports, io);
  const options = PASSED_ON.flatMap((name) =>
    typeof flags[name] === 'string' ? [`--${name}`, flags[name]] : [],
  );
  if (flags['accept-git-config'] === true) options.push('--accept-git-config');
  const directory = writeCliRun(project, 'orchestrator', ['start', ...options, '--', ...args]);
  const { server } = await ports.tmux.ensureSession();
  ports.state.setMeta(META.server, server);
  const { pane, pid } = await ports.tmux.openOrchestrator(directory);
  const untilMs = ports.now() + START_WAIT_MS;
  while (!pollerLives(ports)) {
    const look = await ports.tmux.look(server);
    const seen = look.known ? look.value.panes.find((each) => each.id === pane) : undefined;
    if (look.known && (seen === undefined || seen.dead)) {
      if (seen?.exitCode === EXIT.ok) break;
      const screen = (await ports.tmux.capture(pane).catch(() => '')).trim().split('\n').at(-1) ?? '';
      throw new OrchestrateError(
        EXIT.environment,
        `the detached poller ended at once: ${screen}`,
        'orchestrate start (in the foreground)',
      );
    }
    if (ports.now() > untilMs)
      throw new OrchestrateError(
        EXIT.environment,
        'the detached poller did not start in time',
        'orchestrate start',
      );
    await sleep(LOOK_EACH_MS);
  }
  if (io.json)
    io.print(JSON.stringify({ schemaVersion: 1, poller: { pid }, attach: ports.tmux.attachCommand() }));
  else
    io.print(
      `poller started (pid ${pid}) in window "orchestrator"; watch with: orchestrate status, ./watch-status or ${ports.tmux.attachCommand()}`,
    );
  return EXIT.ok;
}
