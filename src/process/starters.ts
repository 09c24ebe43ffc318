/**
 * Starts programs by small shells that stay and wait: the system takes long to double a process as large as ours, which stands
 * still meanwhile. Knows no program; what a shell cannot be told is for others to start.
 */
import { type Other, type RunRequest, startBy } from './run.ts';
import { type Starter, serve, startStarter } from './starter.ts';
import { MARK_VARIABLE } from './types.ts';

/** As many stay: as many programs as run at once in a busy moment. */
const MOST = 32;
/** So many are there before they are needed, for each kind of environment. */
const READY = 8;
const BETWEEN_MS = 50;
/** A shell reads its lines a byte at a time: what takes it longer than a fork would. */
const LONGEST_REQUEST = 8_192;

/** Variables in which a request may differ from what its shell was started with: no shell has a use of its own for these. */
const OWN = /^(GIT|LC|ORCHESTRATE)_[A-Z0-9_]*$/;
/** What a shell passes on as it got it; functions of bash are bash's own. */
const PASSED_ON = /^([A-Za-z_][A-Za-z0-9_]*|BASH_FUNC_.*)$/;

/** From now on programs are started by such shells, where they can be; for a process that lives long. */
export function keepStarters(): void {
  startBy(createStarters());
}

/**
 * Runs a request as `run` does, by a shell; null, having run nothing, for one that no shell can be told. The shells end with this
 * process, however it ends.
 */
export function createStarters(): Other {
  const starters = new Set<Starter>();
  return async (request) => {
    const ready = canBeTold(request) ? readyFor(request, starters) : null;
    return ready === null ? null : serve(ready.starter, request, ready.text);
  };
}

/** A shell that waits, or a new one, and what it is to be told; null where none can be told the request. */
function readyFor(
  request: RunRequest,
  starters: Set<Starter>,
): { readonly starter: Starter; readonly text: string } | null {
  for (const starter of starters) {
    const text = starter.busy ? null : requestText(request, starter.env);
    if (text !== null) return { starter, text };
  }
  // The mark is for programs that have to be ended: such a shell ends by itself.
  const { [MARK_VARIABLE]: _, ...env } = request.env;
  const text = requestText(request, env);
  const starter = text === null ? null : add(starters, env);
  if (text === null || starter === null) return null;
  addMore(starters, env);
  return { starter, text };
}

function add(starters: Set<Starter>, env: NodeJS.ProcessEnv): Starter | null {
  if (starters.size >= MOST) return null;
  const starter = startStarter(env, (gone) => starters.delete(gone));
  if (starter !== null) starters.add(starter);
  return starter;
}

/** Starts some more, one at a time, since each holds this process up: before many programs are needed at once. */
function addMore(starters: Set<Starter>, env: NodeJS.ProcessEnv): void {
  const timer = setTimeout(() => {
    const like = [...starters].filter((each) => differences(env, each.env) !== null);
    if (like.length < READY && add(starters, env) !== null) addMore(starters, env);
  }, BETWEEN_MS);
  timer.unref();
}

/** A shell ends each line of the input itself. */
function canBeTold({ env, input }: RunRequest): boolean {
  if (!Object.keys(env).every((name) => PASSED_ON.test(name))) return false;
  return input === undefined || (typeof input === 'string' && input.endsWith('\n'));
}

/** The lines of a request, without the word before them; null where a shell cannot be told it, or not one with this environment. */
function requestText({ file, args, cwd, env, input }: RunRequest, its: NodeJS.ProcessEnv): string | null {
  const variables = differences(env, its);
  if (variables === null) return null;
  const given = input === undefined ? [] : String(input).slice(0, -1).split('\n');
  const lines = [
    ...[file, ...args].map((word) => `A${word}`),
    `D${cwd}`,
    ...variables,
    ...given.map((line) => `I${line}`),
  ];
  const text = `${lines.join('\n')}\n.\n`;
  const isPlain = !text.includes('\0') && text.split('\n').length === lines.length + 2;
  return isPlain && Buffer.byteLength(text) <= LONGEST_REQUEST ? text : null;
}

/** How one environment is made of the other; null where a shell could not be told. */
function differences(env: NodeJS.ProcessEnv, its: NodeJS.ProcessEnv): string[] | null {
  const names = [...new Set([...Object.keys(env), ...Object.keys(its)])].filter(
    (name) => env[name] !== its[name],
  );
  if (!names.every((name) => OWN.test(name))) return null;
  return names.map((name) => (env[name] === undefined ? `U${name}` : `E${name}=${env[name]}`));
}
