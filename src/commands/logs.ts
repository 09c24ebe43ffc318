/** `logs`: a stream's readable log, `-f` live; `--raw` the bytes that its last (or the named) run wrote to its pane. */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runDir } from '../app/paths.ts';
import type { Ports } from '../app/ports.ts';
import { withPorts } from '../app/wiring.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { commandFor } from '../core/shell-word.ts';
import type { StreamRecord } from '../core/types.ts';
import { findStream } from '../operator/find-stream.ts';
import { logSources, streamLogFile } from '../poller/listeners/stream-logs.ts';
import { shortPaths } from '../report/urgency.ts';
import { createLogFollower, createLogPrinter, type LogLine } from '../view/log/log.ts';
import { readStreamLog } from '../view/log/log-file.ts';
import { createStyle } from '../view/style.ts';
import { type Flags, numberFlag } from './definition.ts';
import { type Io, wantsUnicode } from './io.ts';

/** Lines shown without `-n`. */
const DEFAULT_LINES = 200;
const FOLLOW_EACH_MS = 200;

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: false }, async (ports) => {
    const record = findStream(ports, args[0] ?? '');
    const number = numberFlag(`logs ${record.key}`, flags, 'run', { min: 1, whole: true }) ?? null;
    if (number !== null && !record.runs.some((each) => each.number === number)) throw noRun(record, number);
    if (flags['raw'] === true) return raw(ports, record, number, flags['follow'] === true, io);
    return readable(ports, record, number, flags, io);
  });
}

function noRun(record: StreamRecord, number: number | null): OrchestrateError {
  const what = number === null ? 'has not run yet' : `has no run ${number}`;
  return new OrchestrateError(EXIT.state, `${record.streamId} ${what}`, commandFor('status', record));
}

async function readable(
  ports: Ports,
  record: StreamRecord,
  number: number | null,
  flags: Flags,
  io: Io,
): Promise<number> {
  const kept = number === null ? readStreamLog(streamLogFile(ports, record.key)) : null;
  const follower = createLogFollower(logSources(ports, record.key, number), kept?.places);
  const most = numberFlag(`logs ${record.key}`, flags, 'lines', { min: 0, whole: true }) ?? DEFAULT_LINES;
  const lines = [...(kept?.lines ?? []), ...follower.next(flags['follow'] !== true)];
  if (lines.length === 0 && record.runs.length === 0 && flags['follow'] !== true) throw noRun(record, null);
  const print = createLogPrinter(
    createStyle({ colour: io.colour, unicode: wantsUnicode(io.env) }),
    io.columns,
  );
  // Our own lines name files of the project; what an agent says stays as it said it.
  const short = ({ atMs, text }: LogLine): LogLine => ({
    atMs,
    text: text.startsWith('-- ') ? shortPaths(text, ports.paths.root) : text,
  });
  const show = (line: LogLine): void =>
    io.print(io.json ? jsonOf(short(line)) : print(short(line)).join('\n'));
  for (const line of most === 0 ? [] : lines.slice(-most)) show(line);
  while (flags['follow'] === true) {
    await sleep(FOLLOW_EACH_MS);
    for (const line of follower.next()) show(line);
  }
  return EXIT.ok;
}

function jsonOf({ atMs, text }: LogLine): string {
  const at = atMs === null ? null : new Date(atMs).toISOString();
  return JSON.stringify({ schemaVersion: 1, at, text: printable(text) });
}

/** The pane's bytes as they were written: only for a terminal, or a file, that the user chose. */
async function raw(
  ports: Ports,
  record: StreamRecord,
  number: number | null,
  follow: boolean,
  io: Io,
): Promise<number> {
  const run = number ?? record.runs.at(-1)?.number ?? null;
  if (run === null) throw noRun(record, null);
  const file = join(runDir(ports.paths, record.key, run), 'pane.log');
  if (!existsSync(file)) {
    const why = `what run ${run} of ${record.streamId} wrote to its window was not kept`;
    throw new OrchestrateError(EXIT.state, why, commandFor('logs', record));
  }
  let offset = 0;
  for (;;) {
    const { size } = statSync(file);
    if (size > offset) {
      for await (const chunk of createReadStream(file, { start: offset, end: size - 1 })) io.write(chunk);
      offset = size;
    }
    if (!follow) return EXIT.ok;
    await sleep(FOLLOW_EACH_MS);
  }
}
