/** Does what the user asks for from elsewhere (`notify.answers`), as their own command line would, and says what came of it. */
import { typedMessage } from '../../agent/typed-message.ts';
import type { Ports } from '../../app/ports.ts';
import { isAbort, messageOf, OrchestrateError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { type Answer, type AnswerEars, answerOf, listenForAnswers } from '../../notify/answers.ts';
import { readSecrets } from '../../notify/secrets.ts';
import { findStream } from '../../operator/find-stream.ts';
import { send } from '../../operator/send.ts';
import { park, retry } from '../../operator/steer.ts';
import { stopStreams } from '../../operator/stop.ts';
import type { Listener } from './listener.ts';

/** So many answers are taken in such a time; more are not read. */
const MOST = { answers: 10, withinMs: 60_000 };
const NOT_UNDERSTOOD = 'Not understood. Write: send STREAM TEXT, retry STREAM, park STREAM or stop STREAM';

/** How the user is told what came of an answer, and what is wrong with the listening (null: nothing any more). */
export type AnswerBack = {
  readonly say: (text: string) => void;
  readonly trouble: (why: string | null) => void;
};

/** Listens from the first tick on; does nothing unless it is configured. */
export function answers(ports: Ports, abort: AbortSignal, back: AnswerBack): Listener {
  const { notify } = ports.config;
  if (!notify.answers || notify.preset !== 'ntfy') return { name: 'answers' };
  const closing = new AbortController();
  let listening: Promise<void> | null = null;
  const secrets = () => readSecrets(notify, { root: ports.paths.root, env: ports.env });
  const ears: AnswerEars = { trouble: back.trouble, message: createObeyer(ports, back) };
  return {
    name: 'answers',
    onStates() {
      listening ??= listenForAnswers(secrets, ears, AbortSignal.any([abort, closing.signal]));
    },
    async close() {
      closing.abort();
      await listening;
    },
  };
}

/** Takes messages one after the other, within bounds. */
function createObeyer(ports: Ports, back: AnswerBack): AnswerEars['message'] {
  const takenAtMs: number[] = [];
  return async (text) => {
    const nowMs = performance.now();
    while ((takenAtMs[0] ?? nowMs) < nowMs - MOST.withinMs) takenAtMs.shift();
    if (takenAtMs.length >= MOST.answers) return;
    takenAtMs.push(nowMs);
    const answer = answerOf(text);
    back.say(answer === null ? NOT_UNDERSTOOD : await obey(ports, answer));
  };
}

/** What came of an answer, for the user. What the command refuses (a dialog, a stream that is done) is refused here too. */
async function obey(ports: Ports, answer: Answer): Promise<string> {
  try {
    const record = findStream(ports, answer.stream);
    const id = printable(record.streamId);
    switch (answer.verb) {
      case 'send': {
        const lines = typedMessage(answer.text);
        if (lines.length === 0) return NOT_UNDERSTOOD;
        const arrived = await send(ports, record, lines);
        return arrived === 'queued' ? `Sent to ${id}; it reads it after its present step` : `Sent to ${id}`;
      }
      case 'retry': {
        const { isTried, state } = await retry(ports, record, false);
        return isTried ? `${id} will be tried again` : `${id} is ${state}: nothing to retry`;
      }
      case 'park':
        await park(ports, record);
        return `Parked ${id}`;
      case 'stop':
        await stopStreams(ports, [record]);
        return `Stopped ${id}`;
    }
  } catch (error) {
    if (isAbort(error)) throw error;
    const fix = error instanceof OrchestrateError ? ` (${error.fix})` : '';
    return printable(`Not done: ${messageOf(error)}${fix}`, 400);
  }
}
