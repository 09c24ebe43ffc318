/** The launch file of a run: directory, environment and arguments as lines of data that the wrapper reads once; decides nothing about them. */

/** What the wrapper turns into: `argv` run in `cwd` with exactly `env` (plus what tmux sets in a pane). */
export type LaunchFile = {
  /** Absolute path of the directory the worker runs in. */
  readonly cwd: string;
  /** Command and arguments; the command is looked up in the PATH of `env`, or is a path. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

/** Variables a shell keeps for itself (setting some of them even ends it), or that describe the terminal the pane has. */
const SHELL_OWNED = new Set(
  (
    'BASHOPTS BASHPID BASH_VERSINFO COLUMNS EUID FUNCNAME GROUPS HISTCMD IFS LINENO LINES OLDPWD OPTARG OPTERR ' +
    'OPTIND PPID PS4 PWD SHELLOPTS SHLVL UID _ TERM TERM_PROGRAM TERM_PROGRAM_VERSION TERMCAP'
  ).split(' '),
);

/** True when a launch file can carry a variable of this name: a plain identifier that no shell claims for itself. */
export function isLaunchVariable(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !SHELL_OWNED.has(name);
}

/** Longer arguments (prompts) travel in a file of their own: a shell reads lines a byte at a time, files in blocks. */
const LONG_BYTES = 2_048;

/** A value that may hold line breaks, as one line and continuation lines. */
function lines(kind: string, text: string, what: string): string[] {
  if (text.includes('\0'))
    throw new TypeError(`${what} holds a NUL character, which no process can be given`);
  const [first = '', ...rest] = text.split('\n');
  return [`${kind}${first}`, ...rest.map((line) => `+${line}`)];
}

function checkCommand(launch: LaunchFile): void {
  const command = launch.argv[0] ?? '';
  if (command === '' || command.startsWith('-'))
    throw new TypeError(`not a command: ${command || '(empty)'}`);
  if (!launch.cwd.startsWith('/')) throw new TypeError(`not an absolute path: ${launch.cwd}`);
}

/** A launch as files of a run directory, by name. */
export type LaunchFiles = Readonly<Record<string, string>>;

/**
 * The files of a launch. `launch` has one value a line, marked by its first letter: U umask, D directory, E variable,
 * A argument, F argument in a file of that name, + one more line of the value before, . the end. The wrapper reads them with
 * `read`: nothing in them is ever shell text. `umask` is the starter's.
 * Throws a TypeError for what cannot be carried (see `isLaunchVariable`, NUL, no command).
 */
export function launchFiles(launch: LaunchFile, umask: number): LaunchFiles {
  checkCommand(launch);
  const files: Record<string, string> = {};
  const text = [`U${umask.toString(8).padStart(4, '0')}`, ...lines('D', launch.cwd, 'the directory')];
  for (const [name, value] of Object.entries(launch.env)) {
    if (!isLaunchVariable(name)) throw new TypeError(`not a variable a launch can carry: ${name}`);
    text.push(...lines('E', `${name}=${value}`, name));
  }
  for (const [index, argument] of launch.argv.entries()) {
    const content = lines('A', argument, 'an argument');
    if (Buffer.byteLength(argument) <= LONG_BYTES) {
      text.push(...content);
      continue;
    }
    files[`argument-${index}`] = argument;
    text.push(`Fargument-${index}`);
  }
  files['launch'] = `${[...text, '.'].join('\n')}\n`;
  return files;
}
