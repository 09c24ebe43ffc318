/** A repository with one commit, made once a process, to be copied: far quicker than five git commands. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Made so far in this process, by their files. */
const made = new Map<string, string>();

/** Path of a repository with those files (text by name) committed on `main`: copy it, change nothing in it. */
export function templateRepository(files: Readonly<Record<string, string>>): string {
  const key = JSON.stringify(files);
  const before = made.get(key);
  if (before !== undefined) return before;
  const folder = mkdtempSync(join(tmpdir(), 'orchestrate-template-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  // The user's own git configuration must not decide a test.
  const env = { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1', LANG: 'C.UTF-8' };
  for (const args of [
    ['init', '--quiet', '--initial-branch=main'],
    ['config', 'user.name', 'A Person'],
    ['config', 'user.email', 'person@example.com'],
    ['add', '.'],
    ['commit', '--quiet', '--message=Start'],
  ]) {
    execFileSync('git', args, { cwd: folder, env });
  }
  made.set(key, folder);
  return folder;
}
