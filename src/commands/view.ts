/** `view`: the live workers' panes beside the summary, or in windows of their own again. */

import type { Ports } from '../app/ports.ts';
import { withPorts } from '../app/wiring.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { plural } from '../core/printable.ts';
import { keepView } from '../poller/listeners/windows.ts';
import { gatherReport } from '../report/gather.ts';
import { type Flags, usageError } from './definition.ts';
import { type Io, wantsUnicode } from './io.ts';

export async function run(_args: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (flags['on'] === true && flags['off'] === true)
    throw usageError('--on and --off exclude each other', 'orchestrate view --on');
  return withPorts(io, { create: false }, (ports) => view(ports, flags, io));
}

async function view(ports: Ports, flags: Flags, io: Io): Promise<number> {
  const before = await isOn(ports);
  const on = flags['on'] === true || (flags['off'] !== true && !before);
  if (on) await showSession(ports);
  await ports.tmux.setView(on);
  const { shown, hidden } = (await keepView(ports, await gatherReport(ports), wantsUnicode(io.env))) ?? {
    shown: 0,
    hidden: 0,
  };
  if (io.json) io.print(JSON.stringify({ schemaVersion: 1, view: on ? 'on' : 'off', shown, hidden }));
  else for (const line of describe(on, shown, hidden, ports)) io.print(line);
  return EXIT.ok;
}

/** Whether the view is on now. Throws exit 6 when there is no session. */
async function isOn(ports: Ports): Promise<boolean> {
  const look = await ports.tmux.look(ports.state.tmuxServer());
  if (!look.known) {
    throw new OrchestrateError(
      EXIT.environment,
      `tmux could not be asked: ${look.why}`,
      'orchestrate doctor',
    );
  }
  if (look.value.session === null) {
    throw new OrchestrateError(EXIT.state, 'there is no session of this project', 'orchestrate start');
  }
  return look.value.view?.on === true;
}

/** The summary again where someone has closed it, and the session's keys. */
export async function showSession(ports: Ports): Promise<{ readonly server: string }> {
  const { server } = await ports.tmux.ensureSession();
  await ports.tmux.bindKeys();
  return { server };
}

function describe(on: boolean, shown: number, hidden: number, ports: Ports): string[] {
  if (!on) return ['one window per agent'];
  const rest = hidden === 0 ? '' : `; ${hidden} more in their own windows (${limits(ports)})`;
  return [
    shown + hidden === 0
      ? 'split view is on; no agent is running now'
      : `${plural(shown, 'agent')} beside the summary${rest}`,
    'see it with: orchestrate attach',
  ];
}

const limits = ({ config }: Ports): string =>
  `each is shown at ${config.view.minWidth} by ${config.view.minHeight} characters at least`;
