/** The launch file of a run: directory, environment and arguments as shell literals that the wrapper reads once; decides nothing about them. */

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

/** `text` as one shell word: between single quotes nothing is special but the single quote. */
function literal(text: string, what: string): string {
  if (text.includes('\0'))
    throw new TypeError(`${what} holds a NUL character, which no process can be given`);
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function checkCommand(launch: LaunchFile): void {
  const command = launch.argv[0] ?? '';
  if (command === '' || command.startsWith('-'))
    throw new TypeError(`not a command: ${command || '(empty)'}`);
  if (!launch.cwd.startsWith('/')) throw new TypeError(`not an absolute path: ${launch.cwd}`);
}

/**
 * The text of a launch file. Shells read it in blocks and without a child process, which no loop over `read` does (a
 * byte at a time), so that a prompt of 100 KB costs a few milliseconds. `umask` is the starter's.
 * Throws a TypeError for what can't be carried (see `isLaunchVariable`, NUL, no command).
 */
export function launchText(launch: LaunchFile, umask: number): string {
  checkCommand(launch);
  const lines = [`umask ${umask.toString(8).padStart(4, '0')}`];
  for (const [name, value] of Object.entries(launch.env)) {
    if (!isLaunchVariable(name)) throw new TypeError(`not a variable a launch can carry: ${name}`);
    lines.push(`export ${name}=${literal(value, name)}`);
  }
  const words = [launch.cwd, ...launch.argv].map((word) => literal(word, 'an argument'));
  lines.push(`set -- ${words.join(' ')}`, '');
  return lines.join('\n');
}
