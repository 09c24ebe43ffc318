/** The command line: finds the command in the table, runs it, reports what it throws and sets the exit code. */

import { packageVersion } from './app/package-root.ts';
import { type CommandLine, parseCommandLine } from './cli/command-line.ts';
import { errorReportOf, inOneCheckout } from './cli/error-report.ts';
import { commandHelp, overview } from './cli/help.ts';
import { type Flags, usageError } from './commands/definition.ts';
import { createIo } from './commands/io.ts';
import { COMMAND_GROUPS, COMMANDS } from './commands/table.ts';
import { EXIT, Interrupted, messageOf, OrchestrateError } from './core/errors.ts';
import { ifPresent, isAbsent } from './files/present.ts';

const OLDEST_NODE = [20, 19] as const;

/** Runs one command line; resolves to its exit code. Never rejects. */
async function main(argv: readonly string[]): Promise<number> {
  try {
    checkNode();
    return await perform(parseCommandLine(argv, COMMANDS));
  } catch (error) {
    return tell(error, argv);
  }
}

/** Reports an error as the command line asked for it; returns the exit code it means. */
function tell(error: unknown, argv: readonly string[]): number {
  if (error instanceof Interrupted) {
    process.stderr.write('\n');
    return error.exitCode;
  }
  const options = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const report = errorReportOf(error, {
    json: options.includes('--json'),
    verbose: options.includes('--verbose'),
    directory: elsewhere,
  });
  process.stderr.write(report.stderr);
  process.stdout.write(report.stdout);
  return report.exitCode;
}

async function perform(line: CommandLine): Promise<number> {
  if (line.kind === 'version') {
    process.stdout.write(`${packageVersion()}\n`);
    return EXIT.ok;
  }
  if (line.kind === 'help') {
    const help =
      line.definition === null ? overview(COMMAND_GROUPS, line.prefix) : commandHelp(line.definition);
    process.stdout.write(`${help}\n`);
    return EXIT.ok;
  }
  enterDirectory(line.flags);
  const io = createIo({
    json: line.flags['json'] === true,
    verbose: line.flags['verbose'] === true,
    noColor: line.flags['no-color'] === true,
  });
  const module = await line.definition.load();
  return module.run(line.args, line.flags, io);
}

/** The directory of `-C` where the user who typed it is outside of its checkout. */
let elsewhere: string | null = null;

function enterDirectory(flags: Flags): void {
  const directory = flags['directory'];
  try {
    if (typeof directory === 'string') enterElsewhere(directory);
    process.cwd();
  } catch (error) {
    if (typeof directory === 'string') {
      throw usageError(
        `-C: cannot enter ${JSON.stringify(directory)}: ${isAbsent(error) ? 'there is no such directory' : messageOf(error)}`,
        'name a directory that is there',
      );
    }
    throw new OrchestrateError(
      EXIT.environment,
      'the current directory is gone',
      'go to a directory that is there',
      {
        cause: error,
      },
    );
  }
}

function enterElsewhere(directory: string): void {
  // Null where that directory is gone: `-C` leads out of it.
  const typedIn = ifPresent(() => process.cwd());
  process.chdir(directory);
  if (typedIn === null || !inOneCheckout(typedIn, process.cwd())) elsewhere = directory;
}

function checkNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new OrchestrateError(
    EXIT.environment,
    `Node ${process.versions.node} is too old`,
    `install Node ${oldestMajor}.${oldestMinor} or newer`,
  );
}

/** A reader that went away (`| head -1`) ends the command quietly. */
function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.ok);
      throw error;
    });
  }
}

const argv = process.argv.slice(2);
endQuietlyOnClosedPipe();
// What is thrown outside the command's own promise (a timer, a stream) is told the same way.
process.once('uncaughtException', (error) => process.exit(tell(error, argv)));
void main(argv).then((exitCode) => {
  process.exitCode = exitCode;
});
