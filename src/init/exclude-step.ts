/** Ignore rules in `.git/info/exclude` for what is made at run time and for what holds paths of this machine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
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

/** The rules, in gitignore syntax, anchored at the top of the project. */
function rules({ paths, worktreeRoot }: InitContext): string[] {
  const inside = relative(paths.root, worktreeRoot);
  const worktrees = inside.startsWith('..') || isAbsolute(inside) ? null : excludePattern(inside);
  const own = IN_ORCHESTRATOR.map((name) => `/.claude/orchestrator/${name}`);
  return [...own, ...(worktrees === null ? [] : [worktrees]), '/watch-status'];
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
    const missing = rules(context).filter((rule) => !present.has(rule));
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
    const ours = rules(context).filter((rule) => present.has(rule));
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
