/**
 * The directory `.claude/orchestrator`, and the ignore rules in `.git/info/exclude` for what is made in it at run time and for
 * what holds paths of this machine. Removal leaves both as long as the directory holds anything that isn't ours alone.
 */
import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { readIfPresent, readUsersFile } from '../files/present.ts';
import { exclude, excludePattern, unexclude } from '../git/exclude.ts';
import { type InitContext, type InitStep, kept, unchanged } from './change.ts';
import { cannotWrite } from './write.ts';

const DIRECTORY = '.claude/orchestrator/';
const WHAT = '.git/info/exclude';
const IN_ORCHESTRATOR = [
  'state.db*',
  'lock.db*',
  'logs/',
  'pids/',
  'runs/',
  'spool/',
  '.init.json',
  '*.bak-*',
  '*.tmp',
  'orchestrate',
  'check-streams',
  'watch-status',
];

/** Made by us it holds paths of this machine; one that was there before is the user's to commit or not. */
const MCP_CONFIG = '/.mcp.json';

/** The rules, in gitignore syntax, anchored at the top of the project. */
function rules({ paths, worktreeRoot }: InitContext): string[] {
  const inside = relative(paths.root, worktreeRoot);
  const worktrees = inside.startsWith('..') || isAbsolute(inside) ? null : excludePattern(inside);
  const own = IN_ORCHESTRATOR.map((name) => `/.claude/orchestrator/${name}`);
  return [...own, ...(worktrees === null ? [] : [worktrees]), '/watch-status'];
}

/** True when the file is made by this init, or is as an earlier one made it. */
function makesMcpConfig({ paths, manifest, plugin }: InitContext): boolean {
  const text = readUsersFile(paths.mcpConfig);
  return text === null ? !plugin.server : manifest.isOurs('.mcp.json', text);
}

function presentLines({ commonDir }: InitContext): Set<string> {
  return new Set(readIfPresent(join(commonDir, 'info', 'exclude'))?.split('\n'));
}

export const EXCLUDE_STEP: InitStep = {
  plan: (context) => {
    const present = presentLines(context);
    const wanted = [...rules(context), ...(makesMcpConfig(context) ? [MCP_CONFIG] : [])];
    const missing = wanted.filter((rule) => !present.has(rule));
    if (missing.length === 0) return [unchanged(WHAT)];
    const add = () => exclude(context.commonDir, missing);
    return [
      {
        verb: 'update',
        what: WHAT,
        note: `${missing.length} rules for run-time files, launchers and worktrees`,
        apply: add,
      },
    ];
  },
  undo: (context, before) => {
    const present = presentLines(context);
    const ours = [...rules(context), MCP_CONFIG].filter((rule) => present.has(rule));
    if (ours.length === 0) return [];
    const holds = (path: string) => existsSync(path) && readdirSync(path).length > 0;
    const orchestratorStays = before.some(({ verb, what }) => verb === 'keep' && what === DIRECTORY);
    if (orchestratorStays || holds(context.worktreeRoot))
      return [kept(WHAT, 'its rules still cover what is left')];
    return [
      {
        verb: 'remove',
        what: `our rules in ${WHAT}`,
        note: null,
        apply: () => unexclude(context.commonDir, ours),
      },
    ];
  },
};

export const DIRECTORY_STEP: InitStep = {
  plan: ({ paths }) => {
    const there = existsSync(paths.orchestratorDir);
    checkWritable(there ? paths.orchestratorDir : dirname(paths.orchestratorDir));
    if (there) return [unchanged(DIRECTORY)];
    const make = () => {
      try {
        mkdirSync(dirname(paths.orchestratorDir), { recursive: true, mode: 0o755 });
        mkdirSync(paths.orchestratorDir, { mode: 0o700 });
      } catch (error) {
        throw cannotWrite(paths.orchestratorDir, error);
      }
    };
    return [{ verb: 'create', what: DIRECTORY, note: null, apply: make }];
  },
  undo: ({ paths, manifest }, before) => {
    if (!existsSync(paths.orchestratorDir)) return [];
    const going = new Set(before.filter(({ verb }) => verb === 'remove').map(({ what }) => what));
    const left = readdirSync(paths.orchestratorDir).filter(
      (name) => !going.has(DIRECTORY + name) && name !== '.init.json',
    );
    if (left.length > 0) return [kept(DIRECTORY, `it still holds ${left.join(', ')}`)];
    const remove = () => {
      manifest.discard();
      rmdirSync(paths.orchestratorDir);
      const parent = dirname(paths.orchestratorDir);
      if (readdirSync(parent).length === 0) rmdirSync(parent);
    };
    return [{ verb: 'remove', what: DIRECTORY, note: null, apply: remove }];
  },
};

/** Looks before anything is made: a file in the way or a directory of somebody else's is exit 3. */
function checkWritable(directory: string): void {
  try {
    const stat = statSync(directory, { throwIfNoEntry: false });
    if (stat?.isDirectory() === false) throw new Error('there is a file in its place');
    accessSync(stat === undefined ? dirname(directory) : directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw cannotWrite(directory, error);
  }
}
