/** `status`: one look at everything, or everything about one stream; `--watch` is the live summary, or one look after another. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Ports } from '../app/ports.ts';
import { withPorts } from '../app/wiring.ts';
import { EXIT } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { commandFor, shellWord } from '../core/shell-word.ts';
import type { StreamRecord } from '../core/types.ts';
import { movedPrograms, movedText } from '../init/moved-programs.ts';
import { type EarlierInitiative, earlierInitiatives } from '../look/earlier-plans.ts';
import { findStream } from '../operator/find-stream.ts';
import { type Gathered, gatherReport } from '../report/gather.ts';
import type { StreamDetail } from '../report/types.ts';
import { earlierLines, withEarlier } from '../view/pages/earlier-streams.ts';
import { renderStatus } from '../view/pages/status-text.ts';
import { renderStream } from '../view/pages/stream-text.ts';
import { type Flags, textFlag, usageError } from './definition.ts';
import { type Io, wantsUnicode } from './io.ts';

const PLAIN_COLUMNS = 100;
/** Clears the terminal and begins at its top. */
const CLEAR = '\u001b[H\u001b[2J';

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  if (flags['html'] !== undefined) return page(args, flags, io);
  if (flags['watch'] === undefined) return look(args, flags, io);
  const { run: watch, secondsOf } = await import('./watch.ts');
  const interval = typeof flags['watch'] === 'string' ? flags['watch'] : undefined;
  if (args.length === 0 && flags['all'] !== true)
    return watch(interval === undefined ? [] : [interval], flags, io);
  const everyMs = secondsOf(interval) * 1000;
  for (;;) {
    if (process.stdout.isTTY && !io.json) io.write(CLEAR);
    await look(args, flags, io);
    await pause(everyMs);
  }
}

/** Writes the page of the whole plan. Throws exit 2 for one of a stream. */
async function page(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  const file = textFlag(flags, 'html') ?? '';
  if (file === '') throw usageError('--html needs a FILE', 'orchestrate status --html plan.html');
  if (args[0] !== undefined)
    throw usageError(
      'the page is of the whole plan: --html takes no stream',
      `orchestrate status --html ${shellWord(file)}`,
    );
  const { watch } = flags;
  const { runPage } = await import('./status/write-page.ts');
  const { secondsOf } = await import('./watch.ts');
  const everySeconds = watch === undefined ? null : secondsOf(textFlag(flags, 'watch'));
  return runPage({ file, all: flags['all'] === true, everySeconds }, io);
}

/** Prints one look: at a stream, or at everything. */
async function look(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: false }, async (ports) => {
    const moved = movedPrograms(ports.paths);
    if (moved.length > 0) io.warn(`orchestrate: warning: ${movedText(moved)} (orchestrate init)`);
    const all = flags['all'] === true;
    const allEvents = all || flags['events'] === true;
    // What the poller saw since this command was typed is as good as a look of our own.
    const typedNs = process.hrtime.bigint() - BigInt(Math.round(performance.now() * 1e6));
    const gathered = await gatherReport(ports, allEvents, typedNs);
    if (args[0] !== undefined) return printStream(ports, gathered, findStream(ports, args[0]), allEvents, io);
    const earlier = all ? earlierInitiatives(ports, gathered) : null;
    printAll(ports, gathered, earlier, allEvents, io);
    return EXIT.ok;
  });
}

/** Prints every stream of the current initiative and, unless null, of the earlier ones. */
function printAll(
  ports: Ports,
  { report }: Gathered,
  earlier: EarlierInitiative[] | null,
  allEvents: boolean,
  io: Io,
): void {
  if (io.json) {
    io.print(JSON.stringify(earlier === null ? report : withEarlier(report, earlier)));
    return;
  }
  const options = { ...lookOf(io, ports), allEvents };
  for (const line of [...renderStatus(report, options), ...earlierLines(earlier ?? [], options)])
    io.print(line);
}

function lookOf(io: Io, ports: Ports) {
  return {
    colour: io.colour,
    unicode: wantsUnicode(io.env),
    columns: io.columns() ?? PLAIN_COLUMNS,
    nowMs: ports.now(),
  };
}

/** Commits of a stream that its page lists; `git log` shows the rest. */
const COMMITS_SHOWN = 5;
/** Events of a stream that its page lists; `--events` shows all. */
const EVENTS_SHOWN = 20;

async function printStream(
  ports: Ports,
  gathered: Gathered,
  record: StreamRecord,
  allEvents: boolean,
  io: Io,
): Promise<number> {
  const detail = await detailOf(ports, gathered, record, allEvents);
  if (io.json) io.print(JSON.stringify({ ...gathered.report, streams: [detail.stream], ...detail }));
  else
    for (const line of renderStream(detail, { ...lookOf(io, ports), root: ports.paths.root })) io.print(line);
  return EXIT.ok;
}

async function detailOf(
  ports: Ports,
  { report }: Gathered,
  record: StreamRecord,
  allEvents: boolean,
): Promise<StreamDetail> {
  const stream = report.streams.find((each) => each.id === record.streamId);
  if (stream === undefined) throw new Error(`${printable(record.streamId)} is not in the report`);
  const { baseSha, headSha } = stream;
  const [changes, commits] =
    baseSha !== null && headSha !== null && baseSha !== headSha
      ? await Promise.all([
          ports.git.changes(baseSha, headSha),
          ports.git.commits(baseSha, headSha, COMMITS_SHOWN),
        ])
      : [null, []];
  return {
    stream,
    at: report.at,
    record,
    tasks: ports.plan.listTasks({ stream: record.streamId }),
    gates: ports.state.gateResults(record.key),
    events: ports.state.events({ key: record.key, ...(allEvents ? {} : { limit: EVENTS_SHOWN }) }),
    files: changes?.files ?? [],
    commits,
    attach: stream.pid === null ? null : commandFor('attach', record),
    resume: resumeText(ports, record),
  };
}

/** What to type to go on with the stream's conversation by hand; null when there is none. */
function resumeText(ports: Ports, { worktree, runs }: StreamRecord): string | null {
  const run = runs.findLast(({ sessionId }) => sessionId !== null);
  const argv = run?.sessionId == null ? null : ports.agentThatMade(run).resumeCommand(run.sessionId);
  return argv === null ? null : `cd ${shellWord(worktree)} && ${argv.map(shellWord).join(' ')}`;
}
