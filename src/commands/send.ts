/** `send`: types a message into a stream's living agent, as a user at its window would. */

import { typedMessage } from '../agent/typed-message.ts';
import { withPorts } from '../app/wiring.ts';
import { EXIT } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { commandFor } from '../core/shell-word.ts';
import { findStream } from '../operator/find-stream.ts';
import { refuseTyping } from '../operator/run-scope.ts';
import { send } from '../operator/send.ts';
import { type Flags, usageError } from './definition.ts';
import type { Io } from './io.ts';

/** A longer text is better read from a file. */
const LONGEST = 10_000;

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  refuseTyping(io.env);
  const [stream = '', ...words] = args;
  const lines = await messageOf(stream, words, io);
  return withPorts(io, { create: false }, async (ports) => {
    const record = findStream(ports, stream);
    const arrived = await send(ports, record, lines);
    const later = arrived === 'queued' ? '; the agent is busy and reads it after its present step' : '';
    io.print(
      io.json
        ? JSON.stringify({ schemaVersion: 1, stream: record.streamId, arrived })
        : `Sent to ${printable(record.streamId)}${later}`,
    );
    return EXIT.ok;
  });
}

/** The message as lines; `-` alone stands for stdin. */
async function messageOf(stream: string, words: readonly string[], io: Io): Promise<readonly string[]> {
  const text = words.length === 1 && words[0] === '-' ? await io.readStdin() : words.join(' ');
  if (text.length > LONGEST) {
    throw usageError(
      `the text has ${text.length} characters, at most ${LONGEST} are typed`,
      'put it into a file and send its name',
    );
  }
  const lines = typedMessage(text);
  if (lines.length === 0)
    throw usageError('there is no text to send', `${commandFor('send', stream)} 'go on'`);
  return lines;
}
