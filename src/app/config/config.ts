/** The shape of the configuration and its defaults; knows nothing of files or the environment. */
import type { LandingStrategy } from '../../core/landing-types.ts';
import type { AgentKind } from '../../core/run-types.ts';

/** What must hold of a stream's head: a command succeeds, or a second agent that only reads finds nothing. */
export type Gate = {
  readonly name: string;
  /** Run by `sh -c`, since it is the user's own configuration; null: Claude Code reviews. */
  readonly command: string | null;
  /** It reviews: what it is told comes on its stdin, its answer is JSON. */
  readonly agent: boolean;
  /** Relative to the worktree. */
  readonly cwd: string;
  readonly timeoutSeconds: number;
};

/** A gate that judges by its exit status alone. */
export type CommandGate = Gate & { readonly command: string };

/** The gates that judge by their exit status; the others are reviews. */
export function commandGates(gates: readonly Gate[]): readonly CommandGate[] {
  return gates.flatMap((gate) =>
    gate.agent || gate.command === null ? [] : [{ ...gate, command: gate.command }],
  );
}

/** A command that runs in every new worktree. */
export type SetupCommand = {
  readonly command: string;
  /** Relative to the worktree. */
  readonly cwd: string;
};

/** The set-up commands of a configuration: a plain text runs at the top of the worktree. */
export function setupCommands({
  worktree,
}: {
  readonly worktree: Pick<Config['worktree'], 'setup'>;
}): SetupCommand[] {
  return worktree.setup.map((each) => (typeof each === 'string' ? { command: each, cwd: '.' } : each));
}

export const AGENT_MODES = ['interactive', 'print'] as const;
export const PERMISSIONS = ['auto', 'acceptEdits', 'dontAsk', 'plan', 'manual', 'bypass'] as const;
/** Which MCP servers an agent gets besides ours. */
export const AGENT_MCP = ['ours-only', 'all'] as const;
export const WALLS = ['none', 'fence'] as const;
export const LEFTOVERS = ['ask', 'commit'] as const;
export const SYNC = ['auto', 'ask'] as const;
export const NOTIFY_PRESETS = ['desktop', 'ntfy', 'slack', 'telegram', 'webhook'] as const;
export type NotifyPreset = (typeof NOTIFY_PRESETS)[number];
export const FINISHED_WINDOWS = ['close-on-done', 'keep'] as const;

/** The effective configuration: flag, environment, file and default already weighed. */
export type Config = {
  readonly workspace: string | null;
  readonly baseBranch: string | null;
  readonly branchPrefix: string;
  readonly maxWorkers: number;
  readonly pollSeconds: number;
  readonly staggerMs: number;
  readonly agent: {
    readonly kind: AgentKind;
    readonly command: string;
    readonly args: readonly string[];
    readonly mode: (typeof AGENT_MODES)[number];
    readonly model: string | null;
    /** Where agents start, relative to the worktree. */
    readonly cwd: string;
    readonly permissions: (typeof PERMISSIONS)[number];
    /** Null: the built-in allow list. */
    readonly allow: readonly string[] | null;
    readonly mcp: (typeof AGENT_MCP)[number];
    /** What keeps an agent in its worktree; null: the fence, where the agent has one. */
    readonly wall: (typeof WALLS)[number] | null;
    /** A user attends: the agent may ask questions. */
    readonly attended: boolean;
    /** Claude Code's own remote control, under the name of workspace and stream. */
    readonly remoteControl: boolean;
  };
  readonly gates: readonly Gate[];
  readonly gateConcurrency: number;
  readonly leftovers: (typeof LEFTOVERS)[number];
  readonly worktree: {
    /** Relative to the project, or absolute. */
    readonly root: string;
    readonly symlink: readonly string[];
    readonly setup: readonly (string | SetupCommand)[];
    readonly setupTimeoutSeconds: number;
    /** Files that set-up depends on, in the syntax of git's glob pathspecs; null: lockfiles and manifests as they are usually called. */
    readonly setupInputs: readonly string[] | null;
    /** Worktrees made ahead of need, at most; null: as many as `maxWorkers`; 0: none. */
    readonly ahead: number | null;
    /** Ignored files that anyone can make again, in the syntax of gitignore: they go with a worktree that is removed. */
    readonly disposable: readonly string[];
    readonly portBase: number;
  };
  readonly restart: {
    readonly maxAttempts: number;
    readonly windowMinutes: number;
    /** Before the 2nd, 3rd and every later attempt. */
    readonly delaysSeconds: readonly number[];
  };
  readonly stallMinutes: number;
  readonly limits: { readonly maxMinutes: number | null; readonly maxCostUsd: number | null };
  readonly landing: {
    /** The poller lands what is done. */
    readonly auto: boolean;
    /** Null: the branch from which the plan started. */
    readonly branch: string | null;
    readonly strategy: LandingStrategy;
  };
  /** auto: what is done follows the streams it builds on when they move; ask: `orchestrate sync` does it. */
  readonly sync: (typeof SYNC)[number];
  readonly finishedWindows: (typeof FINISHED_WINDOWS)[number];
  readonly view: { readonly minWidth: number; readonly minHeight: number };
  /** `command`: a program that prints notes on a change, for `orchestrate review`; null: git diff. */
  readonly review: { readonly command: string | null };
  readonly notify: {
    readonly tmux: boolean;
    readonly command: string | null;
    /** How else the user is told. */
    readonly preset: NotifyPreset | null;
    /** Where the preset's secrets are, unless the environment has them; null: the user's own configuration directory. */
    readonly secretFile: string | null;
    /** ntfy: what the user writes to the secret topic is obeyed. */
    readonly answers: boolean;
  };
  readonly tmux: { readonly socket: string | null };
};

/** Directories of dependencies, builds and caches as they are usually called. */
const DISPOSABLE: readonly string[] = [
  ...['node_modules/', 'bower_components/', '.pnpm-store/', '**/.yarn/cache/', 'vendor/', 'Pods/'],
  ...['.venv/', 'venv/', '.tox/', '.nox/', '*.egg-info/', '.eggs/'],
  ...['dist/', 'build/', 'out/', 'target/', 'obj/', '_build/', '.build/', 'DerivedData/', 'dist-newstyle/'],
  ...['.next/', '.nuxt/', '.output/', '.svelte-kit/', '.astro/', '.angular/', '.docusaurus/'],
  ...['.cache/', '.parcel-cache/', '.turbo/', '.vite/', '.nx/', '.gradle/', '.dart_tool/', '.zig-cache/'],
  ...[
    '__pycache__/',
    '.pytest_cache/',
    '.mypy_cache/',
    '.ruff_cache/',
    '.hypothesis/',
    '.ipynb_checkpoints/',
  ],
  ...['coverage/', 'htmlcov/', '.nyc_output/', '.coverage', 'playwright-report/', 'test-results/'],
  ...['*.pyc', '*.pyo', '*.o', '*.class', '*.tsbuildinfo', '.eslintcache', '.stylelintcache'],
  ...['.DS_Store', 'Thumbs.db', 'npm-debug.log*'],
];

export const DEFAULT_CONFIG: Config = {
  workspace: null,
  baseBranch: null,
  branchPrefix: 'orchestrate/',
  maxWorkers: 5,
  pollSeconds: 30,
  staggerMs: 500,
  agent: {
    kind: 'claude',
    command: 'claude',
    args: [],
    mode: 'interactive',
    model: null,
    cwd: '.',
    permissions: 'auto',
    allow: null,
    mcp: 'ours-only',
    wall: null,
    attended: false,
    remoteControl: false,
  },
  gates: [],
  gateConcurrency: 1,
  leftovers: 'ask',
  worktree: {
    root: '.claude/worktrees',
    symlink: [],
    setup: [],
    setupTimeoutSeconds: 600,
    setupInputs: null,
    ahead: null,
    disposable: DISPOSABLE,
    portBase: 4100,
  },
  restart: { maxAttempts: 3, windowMinutes: 60, delaysSeconds: [5, 30, 120] },
  stallMinutes: 10,
  limits: { maxMinutes: null, maxCostUsd: null },
  landing: { auto: false, branch: null, strategy: 'merge' },
  sync: 'auto',
  finishedWindows: 'close-on-done',
  view: { minWidth: 60, minHeight: 12 },
  review: { command: null },
  notify: { tmux: true, command: null, preset: null, secretFile: null, answers: false },
  tmux: { socket: null },
};
