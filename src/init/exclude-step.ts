/** Ignore rules in `.git/info/exclude` for what is made at run time and for what holds paths of this machine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { readMcpConfig } from '../app/paths.ts';
import { exclude, excludePattern, unexclude } from '../git/exclude.ts';
import { type InitContext, type InitStep, kept, unchanged } from './change.ts';

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
function makesMcpConfig({ paths, manifest }: InitContext): boolean {
  const text = readMcpConfig(paths.mcpConfig);
  return text === null || manifest.isOurs('.mcp.json', text);
}

function presentLines({ commonDir }: InitContext): Set<string> {
  try {
    return new Set(readFileSync(join(commonDir, 'info', 'exclude'), 'utf8').split('\n'));
  } catch {
    return new Set();
  }
}

export const EXCLUDE_STEP: InitStep = {
  name: 'exclude rules',
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
    const orchestratorStays = before.some(
      ({ verb, what }) => verb === 'keep' && what === '.claude/orchestrator/',
    );
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
