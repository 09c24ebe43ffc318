/** A throw-away home with a Claude Code configuration that meets no dialog unless a test asks for it, and the environment to run in. */
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { removeTree } from '../../support/remove-tree.ts';

/** A dummy: the model server takes any key. */
const API_KEY = 'sk-ant-api03-orchestrate-tests-only-0123456789abcdefghij';
const OAUTH_TOKEN = `sk-ant-oat01-orchestrate-tests-only-${'0123456789'.repeat(6)}-AAAA`;

export type ClaudeHome = {
  /** The home directory. */
  readonly home: string;
  /** The whole environment of a test's processes (nothing of the machine's own leaks in). */
  readonly env: Readonly<Record<string, string>>;
  /** Path of the session registry. */
  readonly sessions: string;
  /** Path of the transcripts. */
  readonly projects: string;
  remove(): void;
};

export type HomeOptions = {
  readonly modelUrl: string;
  /** Main repository roots whose trust dialog was accepted. */
  readonly trusted?: readonly string[];
  /** False: the API key dialog comes up. */
  readonly approveKey?: boolean;
  /** False: there is no key at all. */
  readonly loggedIn?: boolean;
  /** Logged in as a subscriber instead of by a key: the service's limits come with times. */
  readonly subscriber?: boolean;
  /** False: the onboarding comes up. */
  readonly onboarded?: boolean;
  /** Directories to put first in PATH. */
  readonly path?: readonly string[];
};

/** Makes the home; `remove` deletes it. */
export function createClaudeHome(options: HomeOptions): ClaudeHome {
  const home = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'orchestrate-home-')));
  const settings = {
    ...(options.onboarded === false ? {} : { hasCompletedOnboarding: true }),
    theme: 'dark',
    hasSeenAutoDefaultNotice: true,
    customApiKeyResponses: {
      approved: options.approveKey === false ? [] : [API_KEY.slice(-20)],
      rejected: [],
    },
    projects: Object.fromEntries(
      (options.trusted ?? []).map((root) => [root, { hasTrustDialogAccepted: true }]),
    ),
  };
  mkdirSync(path.join(home, '.claude'), { mode: 0o700 });
  writeFileSync(path.join(home, '.claude.json'), JSON.stringify(settings), { mode: 0o600 });
  // Its moving signs cost more processor time than all that a scene does.
  const user = JSON.stringify({ prefersReducedMotion: true });
  writeFileSync(path.join(home, '.claude', 'settings.json'), user, { mode: 0o600 });
  writeFileSync(path.join(home, '.gitconfig'), '[user]\n\tname = Test\n\temail = test@example.com\n');
  return {
    home,
    env: testEnvironment(home, options),
    sessions: path.join(home, '.claude', 'sessions'),
    projects: path.join(home, '.claude', 'projects'),
    remove: () => removeTree(home),
  };
}

function testEnvironment(home: string, options: HomeOptions): Record<string, string> {
  const asRoot = process.getuid?.() === 0;
  return {
    PATH: [...(options.path ?? []), process.env['PATH'] ?? '/usr/bin:/bin'].join(':'),
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    HOME: home,
    SHELL: '/bin/bash',
    ...(asRoot ? { IS_SANDBOX: '1' } : {}),
    ANTHROPIC_BASE_URL: options.modelUrl,
    ...credentials(options),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_ERROR_REPORTING: '1',
    // Without it every agent of a new home tries to clone the official plugins.
    CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL: '1',
  };
}

function credentials({ loggedIn, subscriber }: HomeOptions): Record<string, string> {
  if (loggedIn === false) return {};
  return subscriber === true ? { CLAUDE_CODE_OAUTH_TOKEN: OAUTH_TOKEN } : { ANTHROPIC_API_KEY: API_KEY };
}
