/** Asks where agents start and where worktrees are made: what the directory in which `init` is run suggests, or the user says. */
import { existsSync, realpathSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { worktreeRootProblem } from '../app/config/config-schema.ts';
import { type Config, DEFAULT_CONFIG } from '../app/config/load.ts';
import type { ProjectPaths } from '../app/paths.ts';
import type { Asker } from './proposals.ts';

/** Relative to the worktree, and to the project. */
export type Places = { readonly agentCwd: string; readonly worktreeRoot: string };

/** The directory of the project that `cwd` is, `.` for its top, and for one that is in another worktree. */
export function directoryIn(root: string, cwd: string, worktreeRoot: string): string {
  const here = realpathSync(cwd);
  const inside = relative(root, here);
  const outside = inside === '' || inside.split('/')[0] === '..' || inside.split('/')[0] === '.git';
  const ofAgent = !relative(resolve(root, worktreeRoot), here).startsWith('..');
  return outside || ofAgent ? '.' : inside;
}

/** The places of a configuration that may be written: those that it has, else what is agreed to. */
export async function askPlaces(
  from: string,
  current: Config,
  paths: ProjectPaths,
  asker: Asker,
): Promise<Places> {
  const { cwd } = current.agent;
  const agentCwd = cwd === '.' && (await startsHere(from, asker)) ? from : cwd;
  const { root } = current.worktree;
  const asks = asker.interactive && !asker.yes && !existsSync(paths.config);
  return { agentCwd, worktreeRoot: asks ? await askRoot(root, asker) : root };
}

async function startsHere(from: string, { interactive, yes, ask }: Asker): Promise<boolean> {
  if (from === '.') return false;
  if (yes || !interactive) return yes;
  return !/^n/i.test(await ask(`Start agents in ${from} of their worktrees? [Y/n] `));
}

async function askRoot(root: string, asker: Asker, wrong: string | null = null): Promise<string> {
  const why =
    'outside the project, such as ../trees, your own test runners and watchers do not walk into them';
  const lead = wrong === null ? '' : `It ${wrong}. `;
  const said = (await asker.ask(`${lead}Where should worktrees be made (${why})? [${root}] `)).trim();
  if (said === '') return root;
  const problem = worktreeRootProblem(said);
  return problem === null ? said : askRoot(root, asker, problem);
}

/** True when these are not what a configuration without a word of them means. */
export function areOwn({ agentCwd, worktreeRoot }: Places): boolean {
  return agentCwd !== DEFAULT_CONFIG.agent.cwd || worktreeRoot !== DEFAULT_CONFIG.worktree.root;
}
