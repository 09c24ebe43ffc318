/** Does what the live summary is told to: each deed is the command of that name, run in this process, and its answer is one line. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Ports } from '../../app/ports.ts';
import { EXIT, messageOf, OrchestrateError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { findStream } from '../../operator/find-stream.ts';
import type { ReportStream } from '../../report/types.ts';
import { shortPaths } from '../../report/urgency.ts';
import type { Detail, PageContent, PageKind, PlanVerb, Verb } from '../../view/summary/cockpit.ts';
import type { CommandModule, Flags } from '../definition.ts';
import type { Io } from '../io.ts';

/** What a deed came to: one line for the user. */
export type DeedAnswer = { readonly text: string; readonly good: boolean };

const COMMANDS: Readonly<
  Record<Verb, { readonly load: () => Promise<CommandModule>; readonly flags: Flags }>
> = {
  stop: { load: () => import('../stop.ts'), flags: {} },
  park: { load: () => import('../park.ts'), flags: {} },
  retry: { load: () => import('../retry.ts'), flags: {} },
  fresh: { load: () => import('../retry.ts'), flags: { fresh: true } },
  verify: { load: () => import('../verify.ts'), flags: {} },
  resolve: { load: () => import('../resolve.ts'), flags: {} },
};

/** Runs a command with what it prints caught; an error is its line and its remedy, and has no exit code. */
async function outputOf(
  load: () => Promise<CommandModule>,
  args: readonly string[],
  flags: Flags,
  io: Io,
): Promise<{ readonly lines: readonly string[]; readonly code: number | null }> {
  const lines: string[] = [];
  try {
    const { run } = await load();
    const code = await run(args, flags, catching(io, lines));
    return { lines, code };
  } catch (error) {
    const fix = error instanceof OrchestrateError && error.fix !== null ? `  (${error.fix})` : '';
    return { lines: [`${messageOf(error)}${fix}`], code: null };
  }
}

async function answerOf(...asked: Parameters<typeof outputOf>): Promise<DeedAnswer> {
  const { lines, code } = await outputOf(...asked);
  return { text: lines.join('; '), good: code !== null };
}

function catching(io: Io, lines: string[]): Io {
  const take = (text: string): void => void lines.push(...text.split('\n').filter((line) => line !== ''));
  return {
    ...io,
    json: false,
    colour: false,
    interactive: false,
    columns: () => null,
    print: take,
    write: (text) => take(typeof text === 'string' ? text : Buffer.from(text).toString()),
    warn: take,
  };
}

/** The named command for the stream. */
export function act(verb: Verb, id: string, io: Io): Promise<DeedAnswer> {
  const { load, flags } = COMMANDS[verb];
  return answerOf(load, [id], flags, io);
}

/** `send`: refused while a dialog is open, and only called sent when it arrived. A lone `-` is text here. */
export function sendText(id: string, text: string, io: Io): Promise<DeedAnswer> {
  return answerOf(() => import('../send.ts'), [id, `${text} `], {}, io);
}

const PLAN_COMMANDS: Readonly<Record<PlanVerb, () => Promise<CommandModule>>> = {
  merge: () => import('../merge.ts'),
  clean: () => import('../clean.ts'),
};

/** What `merge` or `clean` came to, or (`dryRun`) would; the page offers to do what there is to do. One line where it was refused. */
export async function doWithPlan(
  what: PlanVerb,
  dryRun: boolean,
  io: Io,
): Promise<{ readonly page: PageContent } | DeedAnswer> {
  const { lines, code } = await outputOf(PLAN_COMMANDS[what], [], dryRun ? { 'dry-run': true } : {}, io);
  if (code === null) return { text: lines.join('; '), good: false };
  const isRefused = code !== EXIT.ok && code !== EXIT.unfinished;
  const wouldDo = dryRun && !isRefused && lines.some((line) => /^Would (land|remove) /.test(line));
  const title = `${what}: ${dryRun ? 'what it would do' : code === EXIT.ok ? 'done' : 'not everything was done'}`;
  return { page: { title, lines, of: what, offers: wouldDo ? what : null } };
}

/** `view`: on, or off again. */
export function toggleView(io: Io): Promise<DeedAnswer> {
  return answerOf(() => import('../view.ts'), [], {}, io);
}

/** `attach`, for a stream whose pane is not known to live: finds a dead one too, or says why there is none. */
export function attachTo(id: string, io: Io): Promise<DeedAnswer> {
  return answerOf(() => import('../attach.ts'), [id], {}, io);
}

/** Most lines and bytes of a page. */
const LINES = 5000;
const GATE_BYTES = 256 * 1024;

/** A page to read: its title, and its lines made safe to print. Throws with why there is none. */
export async function readPage(
  ports: Ports,
  what: PageKind,
  stream: ReportStream,
  io: Io,
): Promise<PageContent> {
  const { id, gate } = stream;
  if (what === 'log') {
    const lines: string[] = [];
    const { run } = await import('../logs.ts');
    await run([id], { lines: String(LINES) }, catching(io, lines));
    return { title: `log of ${id}`, lines, of: what, offers: null };
  }
  if (what === 'gate') {
    const text = gate === null ? '' : tailOf(gate.log);
    const title = `gate ${gate?.name ?? ''} of ${id}: ${shortPaths(gate?.log ?? '', ports.paths.root)}`;
    return { title, lines: safeLines(text), of: what, offers: null };
  }
  const record = findStream(ports, id);
  if (record.base === null) throw new Error(`${id} has not begun: there is no change to show`);
  const { headSha } = stream;
  const { refuseChangedGitConfig } = await import('../../poller/steps/git-config.ts');
  await refuseChangedGitConfig(ports);
  // Where the worktree was tidied away the branch has all of it.
  const diff = existsSync(record.worktree)
    ? await ports.git.diffOfWorktree(record.worktree, record.base.sha)
    : await ports.git.diff({ from: record.base.sha, to: headSha ?? record.base.sha, paths: [] });
  const lines = safeLines(diff);
  const title = `diff of ${id} against its base`;
  return { title, lines: lines.length === 0 ? ['no change'] : lines, of: what, offers: null };
}

function safeLines(text: string): string[] {
  const lines = text.split('\n').map((line) => printable(line.replaceAll('\t', '    ')));
  if (lines.at(-1) === '') lines.pop();
  const rest = lines.length - LINES;
  return rest > 0 ? [...lines.slice(0, LINES), `… ${rest} more lines`] : lines;
}

/** The end of a file, from the beginning of a line. */
function tailOf(path: string): string {
  const handle = openSync(path, 'r');
  try {
    const { size } = fstatSync(handle);
    const from = Math.max(0, size - GATE_BYTES);
    const buffer = Buffer.alloc(size - from);
    const text = buffer.toString('utf8', 0, readSync(handle, buffer, 0, buffer.length, from));
    return from === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    closeSync(handle);
  }
}

/** What is told of the stream at the cursor beyond the report; what cannot be read is left out. */
export async function readDetail(ports: Ports, stream: ReportStream, whole: boolean): Promise<Detail> {
  const { id, pane, baseSha, headSha } = stream;
  const begun = baseSha !== null && headSha !== null && baseSha !== headSha;
  const [screen, commits] = await Promise.all([
    pane === null
      ? null
      : ports.tmux.capture(pane).then(
          (text) => text.split('\n'),
          () => null,
        ),
    whole && begun ? ports.git.commits(baseSha, headSha, 1).catch(() => []) : [],
  ]);
  const [last] = commits;
  const tasks = whole ? ports.plan.listTasks({ stream: id }) : [];
  return {
    id,
    screen,
    tasks: tasks.map(({ title, status }) => ({ title, status })),
    commit: last === undefined ? null : `${last.sha.slice(0, 7)} ${printable(last.subject)}`,
  };
}
