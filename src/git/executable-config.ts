/** Collects the repository's settings that make git run a program, so that a later change of them can be noticed. */
import { lstatSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Door } from './door.ts';
import { kindAt, worktreeEntries } from './worktree-link.ts';

/** Keys as git prints them: section and name in lower case. The user's own configuration is trusted, so it is not read. */
const EXECUTABLE = [
  /^filter\..*\.(?:clean|smudge|process)$/s,
  /^merge\..*\.driver$/s,
  /^diff\.(?:external|.*\.(?:command|textconv))$/s,
  /^core\.(?:attributesfile|hookspath|fsmonitor|sshcommand|gitproxy|askpass|editor|pager|worktree|alternaterefscommand)$/,
  /^gpg\.(?:.*\.)?program$/s,
  /^gpg\.ssh\.defaultkeycommand$/,
  /^(?:include\.path|includeif\..*\.path)$/s,
  /^alias\./,
  /^sequence\.editor$/,
  /^interactive\.difffilter$/,
  /^credential\.(?:.*\.)?helper$/s,
  /^remote\..*\.(?:uploadpack|receivepack|vcs)$/s,
  /^uploadpack\.packobjectshook$/,
  /^extensions\.worktreeconfig$/,
];

/**
 * Makes `Git.executableConfig`: git is asked again when one of the files it would read has changed (by ctime, which cannot be
 * set back), and each time when they include others.
 */
export function createConfigReader(door: Door): () => Promise<Readonly<Record<string, string>>> {
  let last: { readonly stamp: string; readonly settings: Readonly<Record<string, string>> } | null = null;
  return async () => {
    const stamp = stampOf(door);
    if (last?.stamp === stamp) return last.settings;
    const settings = await executableConfig(door);
    const includes = Object.keys(settings).some((name) => /^(?:.*: )?include/.test(name));
    last = includes ? null : { stamp, settings };
    return settings;
  };
}

/** Changes with every change to the configuration files of repository and worktrees. */
function stampOf({ commonDir }: Door): string {
  // Most worktrees have none: those must not make every new worktree a change.
  const own = worktreeEntries(commonDir)
    .map((entry) => join(entry.gitDir, 'config.worktree'))
    .filter((file) => kindAt(file) !== 'missing');
  return [join(commonDir, 'config'), join(commonDir, 'config.worktree'), ...own]
    .map((file) => {
      const stat = lstatSync(file, { bigint: true, throwIfNoEntry: false });
      return stat === undefined
        ? `${file} -`
        : `${file} ${stat.ino} ${stat.size} ${stat.ctimeNs} ${stat.mode}`;
    })
    .join('\n');
}

/**
 * See `Git.executableConfig`. Names are the keys; settings of one worktree only are `<worktree>: <key>`; several values
 * of one key are joined by line breaks, in order.
 */
async function executableConfig(door: Door): Promise<Readonly<Record<string, string>>> {
  const shared = await door.read(['config', '--list', '-z', '--show-scope', '--includes']);
  const found = new Map<string, string[]>();
  collect(found, scopedSettings(shared), '');
  for (const entry of worktreeEntries(door.commonDir)) {
    const file = join(entry.gitDir, 'config.worktree');
    if (kindAt(file) === 'missing') continue;
    const own = await door.read(['config', '--file', file, '--list', '-z', '--includes']);
    collect(found, own.split('\0').filter(Boolean), `${basename(entry.gitDir)}: `);
  }
  return Object.fromEntries([...found].map(([name, values]) => [name, values.join('\n')]));
}

/** The settings (`key LF value`) of repository and worktree, out of a list in which each follows its scope. */
function scopedSettings(out: string): string[] {
  const fields = out.split('\0');
  return fields.filter((_, index) => index % 2 === 1 && /^(?:local|worktree)$/.test(fields[index - 1] ?? ''));
}

function collect(found: Map<string, string[]>, settings: readonly string[], prefix: string): void {
  for (const setting of settings) {
    const end = setting.indexOf('\n');
    const key = end < 0 ? setting : setting.slice(0, end);
    if (!EXECUTABLE.some((pattern) => pattern.test(key))) continue;
    const name = `${prefix}${key}`;
    found.set(name, [...(found.get(name) ?? []), end < 0 ? 'true' : setting.slice(end + 1)]);
  }
}
