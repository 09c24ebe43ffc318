/** Types the user's message into a living worker: never into a dialog, and only called sent when it was seen to arrive. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Heard } from '../agent/port.ts';
import { whyDeaf } from '../agent/typed-message.ts';
import type { Ports } from '../app/ports.ts';
import { lostWindow } from '../core/decide/open-run.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { commandFor } from '../core/shell-word.ts';
import type { Run, StreamRecord, WorkerFact } from '../core/types.ts';
import { takeLook } from '../look/snapshot.ts';
import { noteCommand } from './intent.ts';

/** Programs that tell typing from pasting need a moment before Enter counts as a key of its own. */
const BEFORE_ENTER_MS = 300;
/** Longest wait for an agent's own files to tell of the text, and for a terminal to show it. */
const ARRIVE_MS = 10_000;
const SHOW_MS = 3_000;
const LOOK_EACH_MS = 100;

/** A worker that text can be typed to. */
type Addressee = { readonly run: Run; readonly fact: WorkerFact; readonly pane: string };

/** Characters of a message in the event that tells of it. */
const TOLD = 200;

/** Types a message into the stream's living worker and writes it down; throws as `sendMessage` does. */
export async function send(
  ports: Ports,
  record: StreamRecord,
  lines: readonly string[],
): Promise<Exclude<Heard, null>> {
  const arrived = await sendMessage(ports, record, lines);
  noteCommand(ports, record.key, `you wrote: ${printable(lines.join(' '), TOLD)}`);
  return arrived;
}

/**
 * Types the lines and Enter. Returns whether the agent took the text or keeps it for later. Throws exit 6 without a living
 * worker, 5 where it has no window or something else than a prompt would read it, 1 when it was typed but not seen to arrive.
 */
async function sendMessage(
  ports: Ports,
  record: StreamRecord,
  lines: readonly string[],
): Promise<Exclude<Heard, null>> {
  const { run, pane, fact } = await addressee(ports, record);
  await refuseDraft(ports, run, record, pane);
  const { sessionId } = fact.activity;
  const heard = ports.agentThatMade(run).listen(sessionId === null ? run : { ...run, sessionId });
  await ports.tmux.typeLines(pane, lines);
  await pause(BEFORE_ENTER_MS);
  // A dialog that came up meanwhile would take Enter for its answer.
  await addressee(ports, record);
  const shown = heard === null ? await showsText(ports, pane, lines) : false;
  await ports.tmux.sendKey(pane, 'Enter');
  const arrived = heard === null ? (shown ? 'taken' : null) : await untilHeard(heard, lines[0] ?? '');
  if (arrived !== null) return arrived;
  throw new OrchestrateError(
    EXIT.unfinished,
    `The text was typed, but ${record.streamId} was not seen to take it`,
    commandFor('attach', record),
  );
}

/** The stream's living worker, if text typed now would be read as a message. */
async function addressee(ports: Ports, record: StreamRecord): Promise<Addressee> {
  const { snapshot } = await takeLook(ports, null, false);
  if (!snapshot.workers.known) {
    const why = `tmux could not be asked: ${snapshot.workers.why}`;
    throw new OrchestrateError(EXIT.environment, why, 'orchestrate doctor');
  }
  const run = snapshot.records.get(record.key)?.runs.at(-1);
  const fact = snapshot.workers.value.get(record.key);
  const { streamId } = record;
  const lost = run === undefined || fact === undefined ? null : lostWindow(run, fact, record);
  if (lost !== null) {
    const why = `Not sent: ${streamId} works on without a window (${lost.reason}), where nothing can be typed`;
    throw new OrchestrateError(EXIT.refused, why, lost.remedy);
  }
  if (run === undefined || fact === undefined || fact.process !== 'alive' || fact.pane === null) {
    const why = `Not sent: no agent is running for ${streamId}`;
    throw new OrchestrateError(EXIT.state, why, commandFor('status', record));
  }
  const deaf = whyDeaf(ports.agentThatMade(run), fact);
  if (deaf === null) return { run, fact, pane: fact.pane.id };
  throw new OrchestrateError(EXIT.refused, `Not sent: ${streamId} ${deaf}`, commandFor('attach', record));
}

/** What the user has begun to type there would be sent along with it. */
async function refuseDraft(ports: Ports, run: Run, record: StreamRecord, pane: string): Promise<void> {
  if (!ports.agentThatMade(run).hasDraft(await ports.tmux.capture(pane, { colours: true }))) return;
  const why = `Not sent: someone has begun to type at the prompt of ${record.streamId}, and your text would be added to theirs`;
  throw new OrchestrateError(EXIT.refused, why, commandFor('attach', record));
}

async function untilHeard(heard: (firstLine: string) => Heard, firstLine: string): Promise<Heard> {
  for (let waitedMs = 0; ; waitedMs += LOOK_EACH_MS) {
    const what = heard(firstLine);
    if (what !== null || waitedMs >= ARRIVE_MS) return what;
    await pause(LOOK_EACH_MS);
  }
}

/** The end of the text is on the pane's screen; a screen breaks lines where it likes. */
async function showsText(
  ports: Pick<Ports, 'tmux'>,
  pane: string,
  lines: readonly string[],
): Promise<boolean> {
  const bare = (text: string): string => text.replace(/\s+/g, '');
  const end = bare(lines.at(-1) ?? '').slice(-40);
  for (let waitedMs = 0; waitedMs <= SHOW_MS; waitedMs += LOOK_EACH_MS) {
    if (bare(await ports.tmux.capture(pane)).includes(end)) return true;
    await pause(LOOK_EACH_MS);
  }
  return false;
}
