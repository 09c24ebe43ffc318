/** A newer Node than the one that runs the tests, with an SQLite of its own, in an ignored cache of the repository. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const NODE_VERSION = '22.23.3';

/** The path of its binary, from the package that carries it; better-sqlite3 was not built for it. */
export async function otherNode(): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`;
  const home = join(root, '.cache', `node-${NODE_VERSION}`);
  const binary = join(home, 'node_modules', name, 'bin', 'node');
  if (existsSync(binary)) return binary;
  const staging = `${home}.${process.pid}`;
  mkdirSync(staging, { recursive: true });
  writeFileSync(join(staging, 'package.json'), '{"private":true}');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', staging];
  await run('npm', ['install', ...flags, `${name}@${NODE_VERSION}`], { cwd: staging });
  // Another test process may have been faster.
  if (existsSync(binary)) rmSync(staging, { recursive: true });
  else renameSync(staging, home);
  return binary;
}
