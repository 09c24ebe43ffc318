/** Which versions of tmux will do; knows how `tmux -V` spells them. */

/** What `tmux -V` said: usable or why not. */
export type VersionVerdict =
  | { readonly ok: true; readonly version: string }
  | { readonly ok: false; readonly why: string };

/** Oldest release with what we use: pane options and hooks, filters of lists, `copy-mode -q`. */
const OLDEST = { major: 3, minor: 2 };

/**
 * Judges the output of `tmux -V`. A build of the development tree (`master`) is newer than any release; `next-3.4` is on
 * its way to 3.4 and counts as that, but the way to the oldest usable release isn't enough.
 */
export function judgeVersion(output: string): VersionVerdict {
  const version = output.trim().replace(/^tmux\s+/, '');
  if (version === 'master') return { ok: true, version };
  const parts = /^(next-)?(\d+)\.(\d+)[a-z]?(-rc\d*)?$/.exec(version);
  if (parts === null)
    return { ok: false, why: `the version of tmux is not known: ${version.slice(0, 60) || '(none)'}` };
  const [, next, major, minor] = parts;
  const distance = (Number(major) - OLDEST.major) * 100 + Number(minor) - OLDEST.minor;
  const enough = next === undefined ? distance >= 0 : distance > 0;
  return enough ? { ok: true, version } : { ok: false, why: `tmux ${version} is too old` };
}
