/** Where Claude Code keeps its things: configuration directory, settings of the user, sessions, transcripts. Never written by us. */
import os from 'node:os';
import path from 'node:path';

export type ClaudePaths = {
  /** `.claude.json`: trust, onboarding, approved keys. */
  readonly account: string;
  readonly credentials: string;
  /** The user's own settings. */
  readonly settings: string;
  /** One `<pid>.json` for each living session. */
  readonly sessions: string;
  /** Transcripts, in one directory for each working directory. */
  readonly projects: string;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Paths as in force in this environment: `CLAUDE_CONFIG_DIR` moves everything, `.claude.json` too. */
export function claudePaths(env: Environment): ClaudePaths {
  const home = env['HOME'] || os.homedir();
  const moved = env['CLAUDE_CONFIG_DIR'] || null;
  const base = moved ?? path.join(home, '.claude');
  return {
    account: path.join(moved ?? home, '.claude.json'),
    credentials: path.join(base, '.credentials.json'),
    settings: path.join(base, 'settings.json'),
    sessions: path.join(base, 'sessions'),
    projects: path.join(base, 'projects'),
  };
}
