/** Runs the command line as somebody for whom the modes of files hold, root or not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import type { CliRig, Ended } from './cli-rig.ts';
import { inTime } from './wait.ts';

/** What takes from root the right to read and write anywhere. */
const LIKE_OTHERS = ['--bounding-set=-dac_override,-dac_read_search', '--'];

/** Runs `orchestrate …` to its end; root without its rights over modes, by `setpriv`. */
export async function runLikeOthers(cli: CliRig, words: readonly string[]): Promise<Ended> {
  if (process.getuid?.() !== 0) return cli.run(words);
  const child = spawn('setpriv', [...LIKE_OTHERS, process.execPath, CLI_ENTRY, ...words], {
    cwd: cli.root,
    env: cli.env,
  });
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  child.stdin.end();
  const [code, signal] = await inTime(once(child, 'close'), () => `${words.join(' ')} runs on`);
  return { code, signal, stdout: await stdout, stderr: await stderr };
}
