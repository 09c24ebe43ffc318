/** One small shell that stays and starts one program after another, within their limits; what a program is, it is told. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { GRACE_MS, OUTPUT_LIMIT, type RunRequest, type RunResult, signalGroup } from './run.ts';

/**
 * POSIX sh. A request is a word that nobody can guess, then a line for each thing, marked by its first letter: A argument, D
 * directory, E variable, U variable to be left out, I line of the input, `.` the end. Nothing in them is ever shell text, and a
 * request that was cut off is not run, nor one whose input cannot be opened (only then is what stands behind `exec` reached). Before
 * all that the program prints stands the word, and behind it the word and how it ended: what a program that was left running has
 * printed is nobody's. The lines are read by a shell of their own, so that one request leaves nothing to the next.
 */
const SCRIPT = `# orchestrate-starter: starts programs for orchestrate, and ends with it
trap : TERM
while IFS= read -r ORCHESTRATE_END; do
  printf '%s+\\n' "$ORCHESTRATE_END"
  printf '%s+\\n' "$ORCHESTRATE_END" >&2
  (
    set --
    ORCHESTRATE_WHOLE= ORCHESTRATE_GIVEN= ORCHESTRATE_INPUT= ORCHESTRATE_CWD=/
    while IFS= read -r ORCHESTRATE_LINE; do
      ORCHESTRATE_TEXT=\${ORCHESTRATE_LINE#?}
      case $ORCHESTRATE_LINE in
      A*) set -- "$@" "$ORCHESTRATE_TEXT" ;;
      D*) ORCHESTRATE_CWD=$ORCHESTRATE_TEXT ;;
      E*) export "$ORCHESTRATE_TEXT" ;;
      U*) unset "$ORCHESTRATE_TEXT" ;;
      I*) ORCHESTRATE_INPUT="$ORCHESTRATE_INPUT\${ORCHESTRATE_GIVEN:+
}$ORCHESTRATE_TEXT"; ORCHESTRATE_GIVEN=1 ;;
      .) ORCHESTRATE_WHOLE=1; break ;;
      esac
    done
    [ -n "$ORCHESTRATE_WHOLE" ] && cd -P "$ORCHESTRATE_CWD" || exit 126
    if [ -z "$ORCHESTRATE_GIVEN" ]; then { exec "$@"; } </dev/null
    else { exec "$@"; } <<ORCHESTRATE_HERE
$ORCHESTRATE_INPUT
ORCHESTRATE_HERE
    fi
    exit 126
  )
  printf '\\n%s %s\\n' "$ORCHESTRATE_END" "$?"
  printf '\\n%s\\n' "$ORCHESTRATE_END" >&2
done
`;

/** Begins what the shell itself says, of a program or directory that is not there. */
const NAME = 'orchestrate-starter';

export type Starter = {
  readonly child: ChildProcess;
  readonly env: NodeJS.ProcessEnv;
  /** A program of its is running. */
  busy: boolean;
};

/** Null where not even the shell could be started: how that is said is for others. */
export function startStarter(env: NodeJS.ProcessEnv, onGone: (starter: Starter) => void): Starter | null {
  const child = spawned(env);
  // What could not be started says so by an event, too.
  child?.once('error', () => undefined);
  if (child?.pid === undefined || child.stdin === null) return null;
  const starter: Starter = { child, env, busy: false };
  // A shell that ends closes its pipe; its end tells why.
  child.stdin.on('error', () => undefined);
  const leave = (): void => {
    onGone(starter);
    child.stdin?.end();
  };
  child.once('exit', leave);
  // What nobody asked for is of something that a program left running: nobody could tell it from the next one's output.
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', () => {
      if (!starter.busy) leave();
    });
  hold(starter, false);
  return starter;
}

function spawned(env: NodeJS.ProcessEnv): ChildProcess | null {
  try {
    // A process group of its own, as every program that we run has it.
    return spawn('/bin/sh', ['-c', SCRIPT, NAME], {
      cwd: '/',
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  } catch {
    // The program itself will be as hard to start, and that says why.
    return null;
  }
}

/** Whether the shell holds this process: while it is busy, and only then. */
function hold({ child }: Starter, holds: boolean): void {
  const pipes = [child.stdin, child.stdout, child.stderr].filter((each) => each instanceof Socket);
  for (const each of [child, ...pipes]) {
    if (holds) each.ref();
    else each.unref();
  }
}

/** Has the shell run the request, which these lines tell it; null, having run nothing, when it could not even do that. */
export function serve(starter: Starter, request: RunRequest, lines: string): Promise<RunResult | null> {
  const { child } = starter;
  const { abort, timeLimitMs, outputLimit = OUTPUT_LIMIT } = request;
  const word = randomBytes(12).toString('hex');
  return new Promise((resolve, reject) => {
    let ended: RunResult['limit'] | 'abort' = null;
    const timers: NodeJS.Timeout[] = [];
    const after = (ms: number, act: () => void): void => void timers.push(setTimeout(act, ms));
    const finish = (ending: Ending | null): void => {
      for (const timer of timers) clearTimeout(timer);
      child.removeListener('exit', onExit);
      abort?.removeEventListener('abort', onAbort);
      const printed = { stdout: out.take(), stderr: err.take() };
      hold(starter, false);
      // What a program that was broken off had started may have stayed; the shell, of which nobody knows how it fares, goes too.
      starter.busy = ended !== null;
      if (starter.busy) signalGroup(child, 'SIGKILL');
      if (ended === 'abort') reject(abort?.reason);
      else resolve(resultOf(ending, printed, ended));
    };
    const end = (why: 'time' | 'output' | 'abort'): void => {
      if (ended !== null) return;
      ended = why;
      signalGroup(child, 'SIGTERM');
      after(GRACE_MS, () => finish(killed('SIGKILL')));
    };
    const onAbort = (): void => end('abort');
    // One that ends by itself could not even make a process for the program.
    const onExit = (): void => finish(child.signalCode === null ? null : killed(child.signalCode));
    const onMore = (): void => {
      const status = out.ending();
      if (status !== null && err.ending() !== null) finish(endingOf(Number(status)));
      else if (out.bytes() + err.bytes() > outputLimit) end('output');
    };
    const out = collect(child.stdout, word, `\n${word} `, onMore);
    const err = collect(child.stderr, word, `\n${word}`, onMore);
    child.once('exit', onExit);
    abort?.addEventListener('abort', onAbort, { once: true });
    if (timeLimitMs !== null) after(timeLimitMs, () => end('time'));
    starter.busy = true;
    hold(starter, true);
    child.stdin?.write(`${word}\n${lines}`);
  });
}

type Ending = Pick<RunResult, 'exitCode' | 'signal'>;

function killed(signal: NodeJS.Signals): Ending {
  return { exitCode: null, signal };
}

/** As a shell gives it: the number of a signal on top of 128, where there is such a signal and git has no such exit code. */
function endingOf(status: number): Ending {
  const found = Object.entries(constants.signals).find(([, number]) => status === 128 + number);
  if (found === undefined || status <= 129) return { exitCode: status, signal: null };
  return killed(found[0] as NodeJS.Signals);
}

/** Null where the shell says that it found no such program or directory, or could make no process. */
function resultOf(
  ending: Ending | null,
  printed: Pick<RunResult, 'stdout' | 'stderr'>,
  limit: RunResult['limit'],
): RunResult | null {
  if (limit !== null) return { ...(ending ?? killed('SIGKILL')), ...printed, limit };
  const code = ending?.exitCode;
  const isNotRun = (code === 126 || code === 127) && printed.stderr.indexOf(`${NAME}:`) === 0;
  return ending === null || isNotRun ? null : { ...ending, ...printed, limit };
}

type Printed = {
  /** What the shell said behind the output; null before. */
  ending(): string | null;
  bytes(): number;
  /** All that the program printed; nothing more is collected. */
  take(): Buffer;
};

/** The shell's last line is no longer. */
const LAST_LINE = 64;

/** Collects what is printed between the shell's line with the word and its line behind it, which begins with these characters. */
function collect(stream: Readable | null, word: string, begin: string, onMore: () => void): Printed {
  const first = `${word}+\n`;
  let before: Buffer | null = Buffer.alloc(0);
  const pieces: Buffer[] = [];
  let bytes = 0;
  let tail = '';
  let line: { readonly at: number; readonly text: string } | null = null;
  const onData = (read: Buffer): void => {
    const piece = before === null ? read : begun(Buffer.concat([before, read]));
    if (piece === null) return;
    pieces.push(piece);
    bytes += piece.length;
    const text = tail + piece.toString('latin1');
    const at = line === null ? text.indexOf(begin) : -1;
    const end = at < 0 ? -1 : text.indexOf('\n', at + begin.length);
    // What stands behind it is of something that was left running.
    if (end >= 0) line = { at: bytes - text.length + at, text: text.slice(at + begin.length, end) };
    tail = text.slice(-LAST_LINE);
    onMore();
  };
  /** What stands behind the first line; null while that is not there. */
  const begun = (read: Buffer): Buffer | null => {
    const at = read.indexOf(first);
    before = at < 0 ? read.subarray(-first.length) : null;
    return at < 0 ? null : read.subarray(at + first.length);
  };
  stream?.on('data', onData);
  return {
    ending: () => line?.text ?? null,
    bytes: () => bytes,
    take() {
      stream?.removeListener('data', onData);
      return Buffer.concat(pieces).subarray(0, line?.at ?? bytes);
    },
  };
}
