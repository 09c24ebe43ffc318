/** `attach`: hands the terminal to tmux, at a stream's window or at the status window; switches the client when already inside. */

import type { Ports } from '../app/ports.ts';
import { withPorts } from '../app/wiring.ts';
import { lostWindow } from '../core/decide/open-run.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { commandFor } from '../core/shell-word.ts';
import type { StreamRecord } from '../core/types.ts';
import { recordedPanes } from '../look/workers.ts';
import { findStream } from '../operator/find-stream.ts';
import { livingRunOf } from '../operator/steer.ts';
import { gatherReport } from '../report/gather.ts';
import { waitingForYou } from '../report/urgency.ts';
import type { PaneFact, TmuxFacts } from '../tmux/types.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';
import { showSession } from './view.ts';

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: false }, async (ports) => {
    const pane = flags['next'] === true ? await nextPane(ports) : await paneOf(ports, args[0]);
    if (!io.env['TMUX'] && !process.stdin.isTTY) {
      const named = args[0] === undefined ? 'orchestrate attach' : commandFor('attach', args[0]);
      throw new OrchestrateError(
        EXIT.environment,
        'attaching needs a terminal: type it in one',
        flags['next'] === true ? 'orchestrate attach --next' : named,
      );
    }
    await showSession(ports);
    return ports.tmux.attach(pane);
  });
}

async function paneOf(ports: Ports, text: string | undefined): Promise<string | null> {
  const record = text === undefined ? null : findStream(ports, text);
  const recorded = record === null ? [] : recordedPanes([record]);
  const look = await ports.tmux.look(ports.state.tmuxServer(), recorded);
  if (!look.known)
    throw new OrchestrateError(
      EXIT.environment,
      `tmux could not be asked: ${look.why}`,
      'orchestrate doctor',
    );
  const wanted = record === null ? [...recordsOf(ports)] : [record];
  if (record !== null || look.value.session === null) refuseElsewhere(ports, wanted, look.value);
  if (record !== null) refuseWindowless(ports, record, look.value);
  if (look.value.session === null) {
    throw new OrchestrateError(
      EXIT.state,
      'Nothing is running: there is no tmux session to attach to.',
      'orchestrate start',
    );
  }
  if (record === null) return null;
  const pane = latestPane(look.value.panes, record.key);
  if (pane !== null) return pane;
  throw new OrchestrateError(
    EXIT.state,
    `${record.streamId} has no window now: no agent is running for it`,
    commandFor('logs', record),
  );
}

function recordsOf({ state, plan }: Ports): Iterable<StreamRecord> {
  return state.records(plan.currentInitiative()?.id ?? '').values();
}

/** Throws exit 6 where agents live on the server of before `tmux.socket` was changed, and names it. */
function refuseElsewhere(ports: Ports, records: readonly StreamRecord[], tmux: TmuxFacts): void {
  for (const record of records) {
    const run = livingRunOf(ports, record);
    if (run?.server == null || run.pane === null || run.server === tmux.server) continue;
    const former = ports.tmux.formerServer(run.server, run.pane);
    if (former === null) continue;
    const where = `another tmux server, ${former.socketPath}, than tmux.socket names now`;
    throw new OrchestrateError(
      EXIT.state,
      `the agent of ${record.streamId} lives on ${where}`,
      former.attachCommand,
    );
  }
}

/** Throws exit 6 for a living worker that has lost its window: there is nothing to attach to, though it works. */
function refuseWindowless(ports: Ports, record: StreamRecord, tmux: TmuxFacts): void {
  const { streamId } = record;
  const run = livingRunOf(ports, record);
  if (run === null) return;
  const pane = tmux.panes.find(({ key, run: number }) => key === run.key && number === run.number) ?? null;
  const serverGone = run.server !== null && run.server !== tmux.server;
  const lost = lostWindow(run, { process: 'alive', pane, serverGone }, streamId);
  if (lost === null) return;
  const why = `${streamId} has no window to attach to: ${lost.reason}; it works on without one`;
  throw new OrchestrateError(EXIT.state, why, lost.remedy);
}

/** The pane of the stream's last worker, living or dead; null when it has none. */
function latestPane(panes: readonly PaneFact[], key: string): string | null {
  const own = panes.filter((pane) => pane.role === 'worker' && pane.key === key);
  return own.sort((a, b) => b.run - a.run)[0]?.id ?? null;
}

/** The pane of the stream that has waited longest for the user. */
async function nextPane(ports: Ports): Promise<string> {
  const { report, look } = await gatherReport(ports);
  const waiting = waitingForYou(report.streams);
  const panes = look.tmux.known ? look.tmux.value.panes : [];
  const [next] = waiting.flatMap(({ key }) => latestPane(panes, key) ?? []);
  if (next !== undefined) return next;
  const [first] = waiting;
  if (first === undefined) {
    throw new OrchestrateError(EXIT.unfinished, 'Nothing needs you.', 'orchestrate status');
  }
  if (look.tmux.known) {
    const record = [...recordsOf(ports)].filter(({ key }) => key === first.key);
    refuseElsewhere(ports, record, look.tmux.value);
  }
  const who = `${printable(first.id)} waits for you (${first.state}), but has no window`;
  throw new OrchestrateError(EXIT.unfinished, who, first.remedy ?? 'orchestrate status');
}
