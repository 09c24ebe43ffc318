/** The ways by which the user is told: tmux, the configured command, the preset; each in order, none holding up another. */
import { join } from 'node:path';
import type { Ports } from '../../app/ports.ts';
import { isAbort, messageOf, OrchestrateError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { Undelivered } from '../../notify/deliver.ts';
import { createPreset } from '../../notify/preset.ts';
import type { Message, Notice } from '../../notify/presets.ts';
import { privateDirectory } from '../steps/step.ts';
import type { AnswerBack } from './answers.ts';
import { reporting } from './listener.ts';

/** A command that takes longer is ended, with all that it started. */
const TIMEOUT_MS = 10_000;
/** How long the end of a poller waits for what a way has not told yet, and then once more for the last word alone. */
const LAST_WORDS_MS = { tmux: 3_000, command: TIMEOUT_MS, preset: 3_000 };

/** Something to tell, in the forms that the ways take. */
type Told = { readonly notice: Notice | null; readonly message: Message; readonly pane: string | null };

/** One way to tell the user: in order, without holding up the others. */
type Way = {
  readonly tell: (told: Told) => void;
  /** At the end: resolves when all is told. What takes longer than its bound is broken off, and of what waits the last is told. */
  readonly finish: () => Promise<void>;
};

type Work = {
  readonly boundMs: number;
  readonly tell: (told: Told, abort: AbortSignal) => Promise<void>;
  readonly outcome: (error: unknown, told: Told) => void;
};

/** Things that wait for their turn; in a storm of more the oldest are not worth anybody's while. */
const MOST_WAITING = 100;

function createWay(work: Work, abort: AbortSignal): Way {
  const waiting: Told[] = [];
  let underWay: Promise<void> | null = null;
  let current = new AbortController();
  let isLeaving = false;
  let isLast = false;
  const letGo = (): void =>
    current.abort(new Undelivered(`took more than ${work.boundMs / 1000} s before the end`));
  const tellOne = async (told: Told): Promise<void> => {
    current = new AbortController();
    isLast = isLeaving && waiting.length === 0;
    const bound = isLast ? setTimeout(letGo, work.boundMs) : undefined;
    const signal = AbortSignal.any([abort, current.signal]);
    await work
      .tell(told, signal)
      .then(
        () => work.outcome(null, told),
        (error: unknown) => {
          if (!isAbort(error)) work.outcome(error, told);
        },
      )
      .finally(() => clearTimeout(bound));
  };
  const tellAll = async (): Promise<void> => {
    for (let told = waiting.shift(); told !== undefined; told = waiting.shift()) await tellOne(told);
    underWay = null;
  };
  return {
    tell(told) {
      if (waiting.length >= MOST_WAITING) waiting.shift();
      waiting.push(told);
      underWay ??= tellAll();
    },
    async finish() {
      isLeaving = true;
      const bound = setTimeout(() => {
        waiting.splice(0, waiting.length - 1);
        if (!isLast) letGo();
      }, work.boundMs);
      await underWay;
      clearTimeout(bound);
    },
  };
}

export type Ways = {
  readonly all: readonly Way[];
  readonly answering: AnswerBack;
  /** Warns at once of a preset that cannot work as it is set up. */
  check(): void;
  /** Resolves when nothing is left to be told, or there is no more time for it. */
  close(): Promise<void>;
};

/** Every way that is configured. What keeps one from telling is one warning until it works again. */
export function createWays(ports: Ports, abort: AbortSignal, report: (message: string) => void): Ways {
  const { config, env, paths } = ports;
  const warn = createWarner(ports, report);
  const { stderr } = process;
  const preset = createPreset(config.notify, {
    root: paths.root,
    env,
    toTerminals: (sequenceFor) => ports.tmux.passThrough(sequenceFor),
    ownTerminal: stderr.isTTY === true && !env['TMUX'] ? (text) => void stderr.write(text) : null,
  });
  const way = (which: keyof typeof LAST_WORDS_MS, tell: Work['tell'], outcome: Work['outcome']): Way =>
    createWay({ boundMs: LAST_WORDS_MS[which], tell, outcome }, abort);
  const inTmux = way(
    'tmux',
    ({ notice, pane }) => showInTmux(ports, notice, pane),
    (error) => {
      if (error !== null) report(`notify: ${messageOf(error)}`);
    },
  );
  const byCommand = way(
    'command',
    ({ notice }, signal) => runCommand(ports, notice, signal),
    warn('notify.command'),
  );
  const warnOfPreset = warn(`notify.preset ${config.notify.preset}:`);
  const tellPreset: Work['tell'] = async ({ message }, signal) => preset?.tell(message, signal);
  const byPreset = preset === null ? null : way('preset', tellPreset, warnOfPreset);
  const all = [inTmux, byCommand, byPreset].filter((each) => each !== null);
  const title = printable(ports.workspace.id, 60);
  const hearing = warn('notify.answers:');
  return {
    all,
    answering: {
      say(body) {
        byPreset?.tell({ notice: null, message: { title, body, urgent: false, data: {} }, pane: null });
      },
      trouble: (why) => hearing(why === null ? null : new Undelivered(why), null),
    },
    check() {
      try {
        preset?.check();
      } catch (error) {
        warnOfPreset(error, null);
      }
    },
    async close() {
      await Promise.all(all.map((each) => each.finish()));
    },
  };
}

/** Writes down that a way fails, once until it works again or fails otherwise. */
function createWarner(
  ports: Ports,
  report: (message: string) => void,
): (way: string) => (error: unknown, told: Told | null) => void {
  return (way) => {
    let last: string | null = null;
    return (error, told) => {
      const message = error === null ? null : troubleText(way, error);
      const isNews = message !== null && message !== last;
      last = message;
      if (!isNews) return;
      const { key, run } = told?.notice ?? { key: null, run: null };
      reporting(
        'notify',
        report,
      )(() => ports.state.addEvent({ atMs: ports.now(), key, run, kind: 'notify-error', message }));
    };
  };
}

function troubleText(way: string, error: unknown): string {
  const fix = error instanceof OrchestrateError ? `: ${error.fix}` : '';
  return printable(`${way} ${messageOf(error)}${fix}`, 400);
}

async function showInTmux(ports: Ports, notice: Notice | null, pane: string | null): Promise<void> {
  if (!ports.config.notify.tmux || notice === null) return;
  const reason = notice.reason === null ? '' : `: ${notice.reason}`;
  await ports.tmux.message(`${notice.stream ?? 'orchestrate'}: ${notice.kind}${reason}`);
  if (pane !== null && notice.needsYou) await ports.tmux.bell(pane);
}

/** What the command prints; no stream's log can have this name, since keys have no dot. */
const NOTIFY_LOG = 'notify.command.log';

async function runCommand(ports: Ports, notice: Notice | null, abort: AbortSignal): Promise<void> {
  const { command } = ports.config.notify;
  if (command === null || notice === null) return;
  const result = await ports.processes.runShell({
    command,
    cwd: ports.paths.root,
    env: Object.fromEntries(
      Object.entries(ports.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    input: `${JSON.stringify(notice)}\n`,
    log: join(privateDirectory(ports.paths.logsDir), NOTIFY_LOG),
    timeoutMs: TIMEOUT_MS,
    mark: ports.marks.own,
    abort,
  });
  if (result.exitCode === 0) return;
  const how = result.timedOut
    ? `took more than ${TIMEOUT_MS / 1000} s`
    : `failed (${result.signal ?? `exit ${result.exitCode}`})`;
  throw new Undelivered(`${how}, see .claude/orchestrator/logs/${NOTIFY_LOG}`);
}
