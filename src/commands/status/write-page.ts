/** `status --html FILE`: writes the page and, with --watch, rewrites it at each change; replaces nothing but a page of ours. */
import { closeSync, openSync, readSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Ports } from '../../app/ports.ts';
import { withPorts } from '../../app/wiring.ts';
import { EXIT, messageOf, OrchestrateError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { shellWord } from '../../core/shell-word.ts';
import { isAbsent, lstatIfPresent, statIfPresent } from '../../files/present.ts';
import { putAside } from '../../files/put-aside.ts';
import { replaceFile } from '../../files/replace-file.ts';
import { earlierInitiatives } from '../../look/earlier-plans.ts';
import { type Gathered, gatherReport } from '../../report/gather.ts';
import { PAGE_OPENING, type PageOptions, renderPage } from '../../view/html/status-page.ts';
import { usageError } from '../definition.ts';
import type { Io } from '../io.ts';
import { type Looker, type LookerDoors, watchWith } from '../watch.ts';

export type PageRequest = {
  /** As typed. */
  readonly file: string;
  /** The streams of earlier plans too. */
  readonly all: boolean;
  /** Write it again at each change, and at the latest after so many seconds; null: once. */
  readonly everySeconds: number | null;
};

/** For its owner alone: a plan tells much of a project. */
const PRIVATE = 0o600;
const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Writes the page once, or until the command is ended. Throws exit 2, 3 or 5 where the page cannot be written. */
export async function runPage(request: PageRequest, io: Io): Promise<number> {
  const { file, everySeconds } = request;
  const place = { file, path: resolve(io.cwd, file) };
  targetOf(place);
  if (everySeconds === null)
    return withPorts(io, { create: false }, async (ports) => {
      writePage(place, pageOf(ports, await gatherReport(ports), request));
      tellWritten(place, io);
      return EXIT.ok;
    });
  // What keeps the page from being written at all ends the command; once it was, the next writing may succeed.
  const said: { trouble: unknown; written: boolean } = { trouble: null, written: false };
  const code = await watchWith(io, everySeconds * 1000, (ports, doors) =>
    pageLooker(ports, { place, request, io, said, doors }),
  );
  if (said.trouble !== null) throw said.trouble;
  return code;
}

function tellWritten({ file, path }: Place, io: Io): void {
  if (io.json) io.print(JSON.stringify({ schemaVersion: 1, file: path }));
  else io.print(`Wrote ${printable(file)}: open ${pathToFileURL(path).href}`);
}

type Watching = {
  readonly place: Place;
  readonly request: PageRequest;
  readonly io: Io;
  /** What ends the command, and that the page was written once. */
  readonly said: { trouble: unknown; written: boolean };
  readonly doors: LookerDoors;
};

/** Writes a page at each look; at the end one that does not reload itself any more. */
function pageLooker(ports: Ports, { place, request, io, said, doors }: Watching): Looker {
  let last: Gathered | null = null;
  let warned = '';
  const write = (gathered: Gathered, more: Partial<PageOptions> = {}): void => {
    writePage(place, pageOf(ports, gathered, request, more));
    if (!said.written) {
      tellWritten(place, io);
      if (!io.json) io.print('It is rewritten at each change, until this command is ended (Ctrl-C).');
    }
    said.written = true;
    last = gathered;
  };
  const failed = (error: unknown): void => {
    if (!said.written || (error instanceof OrchestrateError && error.exitCode === EXIT.refused)) {
      said.trouble = error;
      doors.quit();
      return;
    }
    const text = messageOf(error);
    if (text !== warned) io.warn(`orchestrate: warning: ${text}`);
    warned = text;
  };
  const attempt = (deed: () => void): void => {
    try {
      deed();
    } catch (error) {
      failed(error);
    }
  };
  const unlisten = onEnding(() => {
    const shown = last;
    if (shown !== null) attempt(() => write(shown, { everySeconds: null, ended: true }));
  });
  return {
    show: async (gathered) => attempt(() => write(gathered)),
    fail: (error) => {
      failed(error);
      const shown = last;
      if (shown !== null) attempt(() => write(shown, { trouble: messageOf(error) }));
    },
    close: unlisten,
  };
}

/** Does `deed` before a signal ends this process, as it would have; returns how to leave that. */
function onEnding(deed: () => void): () => void {
  const handlers = ENDING.map((signal) => [signal, () => end(signal)] as const);
  const unlisten = (): void => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
  const end = (signal: NodeJS.Signals): void => {
    unlisten();
    deed();
    process.kill(process.pid, signal);
  };
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return unlisten;
}

/** The page of a look. */
function pageOf(
  ports: Ports,
  gathered: Gathered,
  { file, all, everySeconds }: PageRequest,
  more: Partial<PageOptions> = {},
): string {
  const command = `orchestrate status --html ${shellWord(file)}${everySeconds === null ? '' : ' --watch'}`;
  return renderPage(gathered.report, {
    nowMs: ports.now(),
    tasks: ports.plan.listTasks(),
    earlier: all ? earlierInitiatives(ports, gathered) : [],
    command,
    everySeconds,
    ended: false,
    trouble: null,
    ...more,
  });
}

/** A file as it was typed, and where that is. */
type Place = { readonly file: string; readonly path: string };

/** Puts the page in its place in one step. Throws as {@link targetOf}. */
function writePage(place: Place, page: string): void {
  const { path, mode } = targetOf(place);
  // Looked at once more at the last moment: what somebody put there while the page was written is theirs.
  named(place, () => replaceFile(path, page, mode, () => targetOf(place)));
}

/** What is replaced, and the mode it is to have. */
type Target = { readonly path: string; readonly mode: number };

/**
 * The file to replace: a new one is for its owner alone, a page of ours keeps the mode that its owner gave it, and a link stays.
 * Throws exit 2 for what is no file, 5 for a file that we did not make, 3 where the system refuses.
 */
function targetOf(place: Place): Target {
  const found = named(place, () => lstatIfPresent(place.path));
  if (found === null) return newTarget(place);
  const stat = named(place, () => statIfPresent(place.path));
  const shown = printable(place.file);
  if (stat?.isDirectory() === true)
    throw usageError(
      `${shown} is a directory`,
      `orchestrate status --html ${shellWord(join(place.file, 'plan.html'))}`,
    );
  if (stat !== null && !stat.isFile())
    throw usageError(`${shown} is no regular file`, 'orchestrate status --html plan.html');
  if (stat === null || (stat.size > 0 && !isOurs(place)))
    throw new OrchestrateError(
      EXIT.refused,
      `${shown} was not made by orchestrate status --html, and is left as it is: choose another FILE, or move it away`,
      putAside(place.path),
    );
  const keeps = stat.size > 0 && stat.uid === process.getuid?.();
  return { path: realpathSync(place.path), mode: keeps ? stat.mode & 0o777 : PRIVATE };
}

function newTarget(place: Place): Target {
  const folder = dirname(place.path);
  if (named(place, () => statIfPresent(folder))?.isDirectory() === true)
    return { path: place.path, mode: PRIVATE };
  throw new OrchestrateError(
    EXIT.environment,
    `${printable(place.file)} cannot be written: there is no directory ${printable(folder)}`,
    `mkdir -p ${shellWord(folder)}`,
  );
}

/** True for a file that begins as our pages do. */
function isOurs(place: Place): boolean {
  return named(place, () => {
    const handle = openSync(place.path, 'r');
    try {
      const bytes = Buffer.alloc(PAGE_OPENING.length);
      return bytes.toString('latin1', 0, readSync(handle, bytes, 0, bytes.length, 0)) === PAGE_OPENING;
    } finally {
      closeSync(handle);
    }
  });
}

/** Does what the system may refuse; then throws exit 3 with the file's name and a way out. */
function named<T>({ file, path }: Place, deed: () => T): T {
  try {
    return deed();
  } catch (thrown) {
    if (thrown instanceof OrchestrateError) throw thrown;
    const why = messageOf(thrown).replace(/, \w+ '.*$/, '');
    throw new OrchestrateError(
      EXIT.environment,
      `${printable(file)} cannot be written: ${why}`,
      isAbsent(thrown)
        ? `mkdir -p ${shellWord(dirname(path))}`
        : 'choose a FILE in a directory that you can write to, with room for it',
      { cause: thrown },
    );
  }
}
