/** Asks git, before anything is started, what would keep agents from working: what the base is, which names are free, what a worktree will lack. */
import { basename, join } from 'node:path';
import { readIfPresent, statIfPresent } from '../files/present.ts';
import { absentBigFiles } from './big-files.ts';
import { checkedBranch, checkedSha } from './checked-names.ts';
import type { Door } from './door.ts';
import type { Absent, Git } from './types.ts';
import { foreignBranch, readBranch } from './worktree-branch.ts';
import {
  aheadReason,
  checkPlace,
  foreignPath,
  kindAt,
  lockReason,
  worktreeEntries,
} from './worktree-link.ts';

/** See `Git.baseStanding`. */
export async function baseStanding(door: Door, branch: string): ReturnType<Git['baseStanding']> {
  const ref = `refs/heads/${checkedBranch(branch)}`;
  const origin = `refs/remotes/origin/${branch}`;
  const format = '%(refname)%00%(upstream:short)%00%(upstream)';
  const rows = (await door.read(['for-each-ref', `--format=${format}`, ref, origin]))
    .split('\n')
    .map((row) => row.split('\0'));
  const own = rows.find(([name]) => name === ref);
  if (own === undefined) return null;
  const [, short = '', full = ''] = own;
  const isUpstreamless = full === '' && rows.some(([name]) => name === origin);
  const upstream = isUpstreamless ? origin : full;
  if (upstream === '') return null;
  const name = isUpstreamless ? `origin/${branch}` : short;
  const args = ['rev-list', '--count', '--left-right', `${ref}...${upstream}`, '--'];
  const counted = await door.ask(args);
  if (counted.code !== 0) return { upstream: name, ahead: 0, behind: 0, gone: true };
  const [ahead = 0, behind = 0] = counted.out.trim().split('\t').map(Number);
  return { upstream: name, ahead, behind, gone: false };
}

/** See `Git.checkNames`. */
export async function checkNames(door: Door, request: Parameters<Git['checkNames']>[0]): Promise<void> {
  const reasons: (string | null)[] = [lockReason(request.key), aheadReason(request.key)];
  const branch = await readBranch(door, checkedBranch(request.branch), request.ours);
  const path = checkPlace(door.root, request.path);
  const entry = worktreeEntries(door.commonDir).find((candidate) => candidate.path === path) ?? null;
  const owned = request.ours || branch.ours || reasons.includes(entry?.lock ?? null);
  if (branch.tip !== null && !owned) throw await foreignBranch(door, request.branch);
  if ((kindAt(path) !== 'missing' || entry !== null) && !owned) throw foreignPath(path);
}

/** See `Git.absentInWorktrees`. */
export async function absentInWorktrees(door: Door, sha: string): Promise<Absent> {
  checkedSha(sha);
  const [submodules, bigFiles, hooks, ignored] = await Promise.all([
    submodulePaths(door, sha),
    absentBigFiles(door, sha),
    absentHooks(door, sha),
    ignoredSettings(door),
  ]);
  return { submodules, bigFiles, hooks, ignored };
}

async function submodulePaths(door: Door, sha: string): Promise<string[]> {
  const blob = ['config', '--blob', `${sha}:.gitmodules`, '-z', '--get-regexp', '^submodule\\..*\\.path$'];
  const { code, out } = await door.ask(blob);
  return code === 0 ? out.split('\0').flatMap((row) => row.split('\n').slice(1)) : [];
}

/** A directory of hooks that a worktree will not have: named relative to it, and not in the commit. */
async function absentHooks(door: Door, sha: string): Promise<string | null> {
  // The last one is ours, which keeps hooks away from our own commands.
  const all = (await door.ask(['config', '-z', '--get-all', 'core.hooksPath'])).out.split('\0');
  const path = all.at(-3)?.replace(/\/+$/, '');
  if (path === undefined || path === '' || /^[/~]/.test(path)) return null;
  if (statIfPresent(join(door.root, path))?.isDirectory() !== true) return null;
  const listed = await door.ask(['ls-tree', '--name-only', sha, '--', `${path}/`]);
  return listed.out.trim() === '' ? path : null;
}

/** Ignored files that look like settings of one's own, and that nothing brings into a worktree. */
const SETTINGS =
  /^(\.env(\..+)?|\.envrc|\.npmrc|\.pypirc|\.tool-versions|.+\.local(\.[\w-]+)?|(local|secrets?)\.(json|ya?ml|toml|ini|env|properties)|terraform\.tfvars)$/i;

async function ignoredSettings(door: Door): Promise<string[]> {
  const list = ['ls-files', '-z', '--others', '--ignored'];
  const ignored = await door.read([...list, '--exclude-standard', '--directory']);
  const settings = ignored
    .split('\0')
    .filter((path) => SETTINGS.test(basename(path)) && !path.endsWith('/') && !path.startsWith('.claude/'));
  const include = join(door.root, '.worktreeinclude');
  if (settings.length === 0 || readIfPresent(include) === null) return settings;
  const copied = new Set((await door.read([...list, `--exclude-from=${include}`])).split('\0'));
  return settings.filter((path) => !copied.has(path));
}
