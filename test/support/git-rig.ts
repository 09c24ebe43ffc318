/** Real throw-away git repositories for tests, with the adapter opened on them. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createGit } from '../../src/git/git.ts';
import type { Git } from '../../src/git/types.ts';
import { removeTree } from './remove-tree.ts';
import { templateRepository } from './template.ts';

export type GitRig = {
  /** Private directory around the repository, for everything else a test needs. */
  readonly home: string;
  readonly root: string;
  readonly commonDir: string;
  readonly git: Git;
  /** What the adapter ran, one line a command. */
  readonly commands: string[];
  /** Runs git as the user would, in the repository or in `cwd`; returns what it printed, trimmed. */
  run(args: readonly string[], cwd?: string): string;
  /** Writes a file (parents made) below the repository, or below `cwd`. */
  write(path: string, text: string, cwd?: string): void;
  read(path: string, cwd?: string): string;
  /** Writes, adds and commits; returns the commit. */
  commit(path: string, text: string, cwd?: string): string;
  /** Path of the worktree that a key has by default. */
  worktree(key: string): string;
  /** `ensureWorktree` for a key, on `orchestrate/<key>`, at HEAD unless told. */
  ensure(
    key: string,
    request?: { baseSha?: string; ours?: boolean; path?: string; branch?: string },
  ): ReturnType<Git['ensureWorktree']>;
  /** Every ref and every byte of the repository's tracked and git files that must not change, as one text. */
  refs(): string;
  remove(): void;
};

/** A repository with one commit (`a.txt`, `b.txt`) on `main`. `name`: its directory's name, which may be a hostile one. */
export function createRig(options: { name?: string; empty?: boolean } = {}): GitRig {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'orchestrate-git-')));
  const root = join(home, options.name ?? 'project');
  const homeBefore = process.env['HOME'];
  // The user's own git configuration must not decide a test.
  process.env['HOME'] = home;
  const run = (args: readonly string[], cwd = root) =>
    execFileSync('git', args, {
      cwd,
      env: personsEnvironment(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trimEnd();
  cpSync(templateRepository({ 'a.txt': 'first\n', 'b.txt': 'second\n' }), root, { recursive: true });
  const write = (path: string, text: string, cwd = root) => {
    mkdirSync(dirname(join(cwd, path)), { recursive: true });
    writeFileSync(join(cwd, path), text);
  };
  const commit = (path: string, text: string, cwd = root) => {
    write(path, text, cwd);
    run(['add', '--', path], cwd);
    run(['commit', '--quiet', '-m', `Change ${path}`], cwd);
    return run(['rev-parse', 'HEAD'], cwd);
  };
  if (options.empty) run(['update-ref', '-d', 'refs/heads/main']);
  const commonDir = join(root, '.git');
  const commands: string[] = [];
  const git = createGit({ root, commonDir, mark: 'test', log: (line) => commands.push(line) });
  const worktree = (key: string) => join(root, '.claude', 'worktrees', key);
  return {
    home,
    root,
    commonDir,
    git,
    commands,
    run,
    write,
    read: (path, cwd = root) => readFileSync(join(cwd, path), 'utf8'),
    commit,
    worktree,
    ensure: (key, request = {}) =>
      git.ensureWorktree({
        path: request.path ?? worktree(key),
        branch: request.branch ?? `orchestrate/${key}`,
        baseSha: request.baseSha ?? run(['rev-parse', 'HEAD']),
        key,
        ours: request.ours ?? false,
      }),
    refs: () => run(['for-each-ref', '--format=%(refname) %(objectname)']),
    remove: () => {
      process.env['HOME'] = homeBefore;
      removeTree(home);
    },
  };
}

/** Puts a script named `git` first in PATH until the returned function is called. `$GIT` in it is the real one. */
export function shimGit(rig: GitRig, script: string): () => void {
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const folder = mkdtempSync(join(rig.home, 'shim-'));
  writeFileSync(join(folder, 'git'), `#!/bin/sh\nGIT=${real}\n${script}\n`);
  chmodSync(join(folder, 'git'), 0o755);
  const before = process.env['PATH'];
  process.env['PATH'] = `${folder}:${before}`;
  return () => {
    process.env['PATH'] = before;
  };
}

function personsEnvironment(): NodeJS.ProcessEnv {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  return { ...env, GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' };
}
