/** The rules of config.json: the one source of validation and of the published JSON schema. */
import { isAbsolute, normalize } from 'node:path';
import { LANDING_STRATEGIES } from '../../core/landing-types.ts';
import { AGENT_KINDS } from '../../core/run-types.ts';
import {
  AGENT_MCP,
  AGENT_MODES,
  type Config,
  DEFAULT_CONFIG,
  FINISHED_WINDOWS,
  type Gate,
  LEFTOVERS,
  NOTIFY_PRESETS,
  PERMISSIONS,
  type SetupCommand,
  SYNC,
  WALLS,
} from './config.ts';
import {
  either,
  fields,
  flag,
  list,
  number,
  oneOf,
  orNull,
  type Schema,
  text,
  whole,
} from './json-schema.ts';

const D = DEFAULT_CONFIG;

/** A line: not empty, without control characters. */
const LINE = '^\\P{Cc}+$';
const DAY_SECONDS = 86_400;
const NO_NUL = [(value: string) => !value.includes('\0'), 'must not contain NUL'] as const;

/** True for a relative path that stays where it is taken from. */
function staysInside(path: string): boolean {
  return !isAbsolute(path) && normalize(path).split('/')[0] !== '..';
}

/** True when `prefix` followed by a key is a valid branch name (git check-ref-format). */
function isBranchPrefix(prefix: string): boolean {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._/-]*$/.test(prefix) || prefix.includes('..')) return false;
  const parts = `${prefix}key`.split('/');
  return parts.every((part) => /^[^.]/.test(part) && !part.endsWith('.') && !part.endsWith('.lock'));
}

const isNoProject = (path: string): boolean => path !== '' && !/^\.\/?$/.test(normalize(path));
const isOutsideGit = (path: string): boolean => !normalize(path).split('/').includes('.git');

/** Only a shell makes a home directory of it: here it would be a directory of that name in the project. */
const isNoHome = (path: string): boolean => !/^~(?:\/|$)/.test(path);

const WORKTREE_ROOT_RULES = [
  [isNoProject, 'must be a directory other than the project itself'],
  [isOutsideGit, 'must not be inside .git'],
  [isNoHome, 'must not begin with ~: write the whole path'],
] as const;

/**
 * Why worktrees cannot be made in a directory; null for one that is right: relative to the project, also beside it (`../trees`),
 * or absolute.
 */
export function worktreeRootProblem(path: string): string | null {
  return WORKTREE_ROOT_RULES.find(([holds]) => !holds(path))?.[1] ?? null;
}

const line = text({ pattern: LINE });
const command = text({ minLength: 1, rules: [NO_NUL] });
const branch = text({
  pattern: LINE,
  rules: [[(name) => !name.startsWith('-'), 'must not start with a dash']],
});
const inside = text({
  pattern: LINE,
  rules: [[staysInside, 'must be a relative path that stays inside the project']],
});

const gate = fields<Gate>(
  {
    name: text({
      pattern: LINE,
      maxLength: 60,
      description: 'Short name, shown in the status and used for the log file.',
    }),
    command: orNull(command, { description: 'Run by sh -c in the worktree; exit 0 passes.' }),
    agent: flag({ description: 'A second agent, which only reads, reviews the change against the tasks.' }),
    cwd: { ...inside, description: 'Directory to run in, relative to the worktree.' },
    timeoutSeconds: number({ above: 0, max: DAY_SECONDS }),
  },
  { command: null, agent: false, cwd: '.', timeoutSeconds: 900 },
);

const agent = fields<Config['agent']>(
  {
    kind: oneOf(AGENT_KINDS, {
      description: 'claude: Claude Code; codex: OpenAI Codex CLI; opencode: opencode; custom: any command.',
    }),
    command,
    args: list(text({ rules: [NO_NUL] }), {
      description:
        'For custom agents {prompt_file}, {stream} and {mcp_config} inside an argument are replaced.',
    }),
    mode: oneOf(AGENT_MODES, { description: 'print: without anyone watching.' }),
    model: orNull(line),
    cwd: { ...inside, description: 'Directory in which agents start, relative to the worktree.' },
    permissions: oneOf(PERMISSIONS),
    allow: orNull(list(line), { description: 'Tools allowed unasked; null: a small default list.' }),
    mcp: oneOf(AGENT_MCP, { description: 'all: the MCP servers of the user and project too.' }),
    wall: orNull(oneOf(WALLS), {
      description:
        'fence: edits and git commands stay in the worktree; null: fence, where the agent has one.',
    }),
    attended: flag({ description: 'Someone attends: the agent may ask questions.' }),
    remoteControl: flag({ description: 'Claude Code: agents can be reached from claude.ai and its app.' }),
  },
  D.agent,
);

const setupCommand = fields<SetupCommand>(
  { command, cwd: { ...inside, description: 'Directory to run in, relative to the worktree.' } },
  { cwd: '.' },
);

const worktree = fields<Config['worktree']>(
  {
    root: text({ pattern: LINE, rules: WORKTREE_ROOT_RULES }),
    symlink: list(inside, { description: 'Ignored directories that worktrees share by a symlink.' }),
    setup: list(either(command, setupCommand), {
      description: 'Run by sh -c, in order, in every new worktree; with "cwd" in a directory of it.',
    }),
    setupTimeoutSeconds: number({ above: 0, max: DAY_SECONDS }),
    setupInputs: orNull(list(inside), {
      description:
        'Files that set-up depends on (src/**/*.lock): it runs again in a worktree made ahead when one changes; null: lockfiles.',
    }),
    ahead: orNull(whole({ min: 0, max: 200 }), {
      description: 'Worktrees made and set up ahead of need; null: as many as maxWorkers; 0: none.',
    }),
    disposable: list(line, {
      description: 'Ignored files that anyone can make again (as in .gitignore): clean removes them too.',
    }),
    portBase: whole({ min: 1024, max: 60_000, description: 'Ten ports a stream from here on.' }),
  },
  D.worktree,
);

const restart = fields<Config['restart']>(
  {
    maxAttempts: whole({ min: 1, max: 100 }),
    windowMinutes: number({ above: 0 }),
    delaysSeconds: list(number({ min: 0, max: DAY_SECONDS }), {
      minItems: 1,
      maxItems: 10,
      description: 'Pauses before the 2nd, 3rd and every later attempt.',
    }),
  },
  D.restart,
);

const limits = fields<Config['limits']>(
  {
    maxMinutes: orNull(number({ above: 0 }), {
      description: 'Minutes that agents may work on one stream; it is parked then.',
    }),
    maxCostUsd: orNull(number({ above: 0 }), {
      description: 'Dollars, by the word of the agent, that one stream may cost; it is parked then.',
    }),
  },
  D.limits,
);

const socket = text({
  pattern: LINE,
  rules: [
    [
      (name) => isAbsolute(name) || !/[/]|^-/.test(name),
      'must be a socket name without slashes or an absolute path',
    ],
  ],
});

const settings = fields<Config>(
  {
    workspace: orNull(line, {
      description: 'Task Copilot workspace; null: .mcp.json or the directory name.',
    }),
    baseBranch: orNull(branch, {
      description: 'Branch that root streams start from; null: the one checked out.',
    }),
    branchPrefix: text({
      maxLength: 100,
      rules: [[isBranchPrefix, 'must be a prefix of valid branch names, such as "orchestrate/"']],
    }),
    maxWorkers: whole({ min: 1, max: 200, description: 'Agents at work at the same time.' }),
    pollSeconds: number({
      above: 0,
      max: DAY_SECONDS,
      description: 'Safety poll; changes are noticed at once.',
    }),
    staggerMs: whole({ min: 0, max: 600_000, description: 'Pause between two launches.' }),
    agent,
    gates: list<Gate>(gate, {
      rules: [
        [(gates) => new Set(gates.map(({ name }) => name)).size === gates.length, 'must have distinct names'],
        [
          // As they were given, before defaults are filled in.
          (gates: readonly Partial<Gate>[]) =>
            gates.every(({ agent, command: line }) => agent === true || line != null),
          'must each have a "command", or "agent": true',
        ],
      ],
      description: "Commands that must succeed on a stream's head before it counts as done.",
    }),
    gateConcurrency: whole({ min: 1, max: 64 }),
    leftovers: oneOf(LEFTOVERS, { description: 'commit: commit tracked changes an agent leaves.' }),
    worktree,
    restart,
    stallMinutes: number({ above: 0, description: 'Silence after which a stream is said to be stalled.' }),
    limits,
    landing: fields<Config['landing']>(
      {
        auto: flag({ description: 'Land each stream as soon as it is done.' }),
        branch: orNull(branch, {
          description: 'Branch that work lands on; null: the one from which the plan started.',
        }),
        strategy: oneOf(LANDING_STRATEGIES, {
          description: 'merge: a merge commit a stream; squash: one commit a stream; rebase: its commits.',
        }),
      },
      D.landing,
    ),
    sync: oneOf(SYNC, {
      description: 'auto: what is done follows the streams it builds on; ask: orchestrate sync does it.',
    }),
    finishedWindows: oneOf(FINISHED_WINDOWS),
    view: fields<Config['view']>(
      { minWidth: whole({ min: 20, max: 1000 }), minHeight: whole({ min: 3, max: 1000 }) },
      D.view,
    ),
    review: fields<Config['review']>(
      {
        command: orNull(command, {
          description:
            'Run by sh -c in the worktree by orchestrate review; what it prints goes to the agent.',
        }),
      },
      D.review,
    ),
    notify: fields<Config['notify']>(
      {
        tmux: flag(),
        command: orNull(command),
        preset: orNull(oneOf(NOTIFY_PRESETS), { description: 'How else you are told that you are needed.' }),
        secretFile: orNull(line, {
          description:
            'A file that only you can read, with address and token; null: in ~/.config/orchestrate.',
        }),
        answers: flag({ description: 'ntfy: obey what you write to the topic for answers.' }),
      },
      D.notify,
    ),
    tmux: fields<Config['tmux']>(
      { socket: orNull(socket, { description: 'A private tmux server; null: your own.' }) },
      D.tmux,
    ),
  },
  D,
  { description: 'Configuration of orchestrate' },
);

/** config.json: strict, every key optional, defaults filled in. */
export const configSchema: Schema = {
  ...settings,
  properties: { $schema: text(), ...settings.properties },
};

/** The text of `templates/config.schema.json`: the schema as it is shipped for editors. */
export function publishedSchema(): string {
  const published = { $schema: 'https://json-schema.org/draft/2020-12/schema', ...configSchema };
  return `${JSON.stringify(published, null, 2)}\n`;
}
