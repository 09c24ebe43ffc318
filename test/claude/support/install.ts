/** Puts the real Claude Code, at one pinned version, into an ignored cache of the repository; fails (never skips) when it cannot. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The version that the tests were written against. */
export const CLAUDE_VERSION = '2.1.331';

const CACHE = fileURLToPath(new URL('../../../.cache/', import.meta.url));
const INSTALL_DEADLINE_MS = 300_000;

/** Name of the package that holds the native binary of this machine. */
function platformPackage(): string {
  const musl = process.platform === 'linux' && existsSync('/etc/alpine-release') ? '-musl' : '';
  return `@anthropic-ai/claude-code-${process.platform}-${process.arch}${musl}`;
}

/**
 * Returns the absolute path of the `claude` binary, installing it first when the cache lacks it (about 380 MB). Safe
 * to call from several test processes at once: one installs, the others wait. Throws when the install fails.
 */
export async function installClaude(): Promise<string> {
  const home = path.join(CACHE, `claude-${CLAUDE_VERSION}`);
  const binary = path.join(home, 'node_modules', platformPackage(), 'claude');
  const lock = `${home}.lock`;
  const deadline = Date.now() + INSTALL_DEADLINE_MS;
  mkdirSync(CACHE, { recursive: true });
  while (!existsSync(binary)) {
    if (takeLock(lock)) {
      try {
        await install(home);
      } finally {
        rmSync(lock, { force: true });
      }
    } else if (Date.now() > deadline) {
      throw new Error(`another test process has been installing Claude Code for too long; remove ${lock}`);
    } else {
      await sleep(200);
    }
  }
  return binary;
}

/** Takes the lock file, also from a holder that is no longer alive. */
function takeLock(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  }
  if (!isAlive(lock)) rmSync(lock, { force: true });
  return false;
}

function isAlive(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Installs beside the final place and moves it there whole, so that a killed install is never taken for a finished one. */
async function install(home: string): Promise<void> {
  const staging = `${home}.partial`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging);
  writeFileSync(path.join(staging, 'package.json'), '{"private":true}');
  const packages = ['@anthropic-ai/claude-code', platformPackage()].map(
    (name) => `${name}@${CLAUDE_VERSION}`,
  );
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', staging];
  await run('npm', ['install', ...flags, ...packages], { cwd: staging, timeout: INSTALL_DEADLINE_MS });
  rmSync(home, { recursive: true, force: true });
  renameSync(staging, home);
}
