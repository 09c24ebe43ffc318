/** What a command sees of the terminal and the environment it was typed in; the only door to stdin, stdout and stderr. */
import { EXIT, Interrupted, OrchestrateError } from '../core/errors.ts';

/** Most that is read from stdin, in bytes: as much as a plan file may have. */
const MAX_STDIN_BYTES = 5 * 1024 * 1024;

/** Handed to every command. `print` and `warn` end the line; `write` doesn't. */
export type Io = {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--json` was given: data (and errors) on stdout are JSON. */
  readonly json: boolean;
  readonly verbose: boolean;
  /** Colours are wanted on stdout. */
  readonly colour: boolean;
  /** The user can be asked: stdin and stderr are terminals and `--json` wasn't given. */
  readonly interactive: boolean;
  /** Width of the terminal in columns, null when stdout isn't one. */
  readonly columns: () => number | null;
  readonly print: (text: string) => void;
  /** Bytes are written unchanged. */
  readonly write: (text: string | Uint8Array) => void;
  readonly warn: (text: string) => void;
  /** One line from the user, trimmed; asked on stderr. Throws Interrupted for Ctrl-C and Ctrl-D. */
  readonly ask: (question: string) => Promise<string>;
  /** All of stdin. Throws exit 7 for more than 5 MB (without reading on) and for what is not UTF-8. */
  readonly readStdin: () => Promise<string>;
};

/** The real thing, from this process; `noColor` is the `--no-color` flag. */
export function createIo(flags: {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly noColor: boolean;
}): Io {
  const { stdout, env } = process;
  return {
    cwd: process.cwd(),
    env,
    json: flags.json,
    verbose: flags.verbose,
    colour: !flags.noColor && !env['NO_COLOR'] && env['TERM'] !== 'dumb' && stdout.isTTY === true,
    // Node makes a stream the first time it is asked for: few commands read one.
    get interactive() {
      return process.stdin.isTTY === true && process.stderr.isTTY === true && !flags.json;
    },
    // Where a terminal was opened by a program (script, a container), it may not know its size: 0.
    columns: () => (stdout.isTTY ? stdout.columns || 80 : null),
    print: (text) => void stdout.write(`${text}\n`),
    write: (text) => void stdout.write(text),
    warn: (text) => void process.stderr.write(`${text}\n`),
    ask,
    readStdin,
  };
}

async function ask(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(question)).trim();
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw new Interrupted();
    throw error;
  } finally {
    lines.close();
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    bytes += chunk.length;
    if (bytes > MAX_STDIN_BYTES) {
      const message = `stdin is larger than ${MAX_STDIN_BYTES / 1024 / 1024} MB`;
      throw new OrchestrateError(EXIT.input, message, 'name a smaller file, or leave out what is not needed');
    }
    chunks.push(Buffer.from(chunk));
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw new OrchestrateError(EXIT.input, 'stdin is not text in UTF-8', 'give it as UTF-8', {
      cause: error,
    });
  }
}

/** What is said to whoever cleared a stream: who starts it. */
export function whoStarts(pollerAlive: boolean): string {
  return pollerAlive ? 'it starts as soon as it can' : 'start it with: orchestrate start';
}

/** False where the locale is plain ASCII (`LANG=C`): no symbols beyond it are printed then. */
export function wantsUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return locale === ''
    ? process.platform === 'darwin' || env['TERM_PROGRAM'] !== undefined
    : /utf-?8/i.test(locale);
}
