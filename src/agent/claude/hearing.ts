/** Tells whether a text that was typed has arrived in a conversation, by what its transcript gained since. */
import { eachGrownLine, endOfFile } from '../../files/grown-lines.ts';
import { parseRecord, stringOf } from '../json.ts';
import type { Heard } from '../port.ts';

/** Lines that mark the taking or the queueing of what was typed. */
const TELLING = /"type":"(user|queue-operation)"/;

/** Characters looked for: a long text is kept in several pieces, and Claude Code drops spaces at its ends. */
const EXCERPT = 60;

/** Begins to listen now; the result is asked again and again with the text's first line. */
export function listenTo(transcript: string): (firstLine: string) => Heard {
  let readTo = endOfFile(transcript);
  const lines: string[] = [];
  return (firstLine) => {
    const onLine = (line: string): void => void (TELLING.test(line) && lines.push(line));
    readTo = eachGrownLine(transcript, readTo, onLine);
    const excerpt = [...firstLine.trim()].slice(0, EXCERPT).join('').trimEnd();
    const written = JSON.stringify(excerpt).slice(1, -1);
    const telling = lines.filter((line) => line.includes(written)).map(parseRecord);
    if (telling.some((entry) => entry?.['type'] === 'user')) return 'taken';
    return telling.some((entry) => stringOf(entry?.['operation']) === 'enqueue') ? 'queued' : null;
  };
}
