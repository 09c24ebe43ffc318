/** Every command there is, in the order and under the headings of the help. */
import { TASK_STATUSES } from '../core/types.ts';
import type { CommandDefinition, CommandGroup } from './definition.ts';
import { LOOK_COMMANDS, RUN_COMMANDS } from './table-run.ts';

const PLAN_COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'generate',
    summary: 'have Claude plan a feature as parallel streams, checked before it counts',
    args: [{ name: 'feature', required: false, variadic: true }],
    options: [
      { name: 'retry', description: 'Try once more, unasked, when the plan fails its verification.' },
      { name: 'no-retry', description: 'End when the plan fails its verification, without asking.' },
    ],
    examples: [
      'orchestrate generate',
      'orchestrate generate "Implement user authentication with OAuth"',
      'orchestrate generate --retry --json - < feature.md',
    ],
    load: () => import('./generate.ts'),
  },
  {
    name: 'import',
    summary: 'check a plan file and bring it into the store, whole or not at all',
    args: [{ name: 'file', required: true, completes: 'files' }],
    options: [
      { name: 'dry-run', description: 'Only check the plan and say what would come of it.' },
      { name: 'update', description: "Add to the initiative's plan, and change what has not started." },
    ],
    examples: [
      'orchestrate import plan.yaml',
      'orchestrate import plan.json --dry-run',
      'orchestrate import - < plan.yaml',
      'orchestrate import plan.yaml --update',
    ],
    load: () => import('./import.ts'),
  },
  {
    name: 'plan',
    summary: 'check the plan: structure by depth, critical path, useful parallelism, file overlaps',
    args: [],
    options: [
      { name: 'mermaid', description: 'As a Mermaid flowchart.' },
      { name: 'dot', description: 'As a Graphviz digraph.' },
      { name: 'all', description: 'Streams of every initiative.' },
    ],
    examples: [
      'orchestrate plan',
      'orchestrate plan --json',
      'orchestrate plan --dot | dot -Tsvg > plan.svg',
    ],
    load: () => import('./plan.ts'),
  },
];

const TASK = { name: 'task', required: true } as const;

const TASK_COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'hook stop',
    summary: "what an agent's Stop hook asks: refuses, on stdout, while something is missing",
    args: [],
    options: [],
    examples: ['orchestrate hook stop'],
    hidden: true,
    load: () => import('./hook.ts'),
  },
  {
    name: 'task list',
    summary: 'tasks, oldest first (inside a run: its own)',
    args: [],
    options: [
      { name: 'stream', value: 'STREAM', description: 'Only tasks of this stream.' },
      { name: 'status', value: 'STATUS', choices: TASK_STATUSES, description: 'Only tasks of this status.' },
      { name: 'all', description: 'Tasks of earlier initiatives too.' },
    ],
    examples: ['orchestrate task list', 'orchestrate task list --stream Stream-B --status pending --json'],
    load: async () => ({ run: (await import('./task.ts')).list }),
  },
  {
    name: 'task show',
    summary: 'one task with its description and notes',
    args: [TASK],
    options: [],
    examples: ['orchestrate task show TASK-…'],
    load: async () => ({ run: (await import('./task.ts')).show }),
  },
  {
    name: 'task update',
    summary: "change a task's status or notes",
    args: [TASK],
    options: [
      { name: 'status', value: 'STATUS', choices: TASK_STATUSES, description: 'Its new status.' },
      { name: 'notes', value: 'TEXT', description: 'What was done and how it was checked.' },
      { name: 'blocked-reason', value: 'TEXT', description: 'What is missing (with --status blocked).' },
    ],
    examples: [
      'orchestrate task update TASK-… --status in_progress',
      'orchestrate task update TASK-… --status completed --notes "added the table, tests pass"',
    ],
    load: async () => ({ run: (await import('./task.ts')).update }),
  },
];

/** What comes after the work. */
const AFTER_COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'report',
    summary: 'the whole plan as Markdown: streams, commits, time, tokens, gates, notes',
    args: [],
    options: [],
    examples: ['orchestrate report > report.md', 'orchestrate report --json'],
    load: () => import('./report.ts'),
  },
  {
    name: 'clean',
    summary: 'remove the worktree, branch and window of what has landed and holds nothing else',
    args: [{ name: 'stream', required: false, variadic: true, completes: 'streams' }],
    options: [{ name: 'dry-run', description: 'Only say what would be removed, and what kept and why.' }],
    examples: ['orchestrate clean --dry-run', 'orchestrate clean', 'orchestrate clean Stream-B --json'],
    load: () => import('./clean.ts'),
  },
  {
    name: 'recover',
    summary: 'what was saved before it was removed, and how to get it back',
    args: [{ name: 'stream', required: false, completes: 'streams' }],
    options: [
      { name: 'expire', value: 'DAYS', description: 'Let go of what was saved at least so many days ago.' },
    ],
    examples: ['orchestrate recover', 'orchestrate recover Stream-B', 'orchestrate recover --expire 30'],
    load: () => import('./recover.ts'),
  },
];

const SETUP_COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'init',
    summary: 'set up this repository',
    args: [],
    options: [
      { name: 'yes', short: 'y', description: 'Take the proposed setup commands and gates without asking.' },
      { name: 'dry-run', description: 'Only say what would be done.' },
      { name: 'force', description: 'Replace changed files too (a backup is kept).' },
      { name: 'remove', description: 'Take away what init made and nobody changed.' },
    ],
    examples: [
      'orchestrate init',
      'orchestrate init --yes',
      'orchestrate init --dry-run',
      'orchestrate init --remove',
    ],
    load: () => import('./init.ts'),
  },
  {
    name: 'doctor',
    summary: 'check git, tmux, node, agent, trust, gates, store and permissions',
    args: [],
    options: [
      { name: 'run-gates', description: 'Also run the gates once, on the base, in a worktree of ours.' },
    ],
    examples: ['orchestrate doctor', 'orchestrate doctor --run-gates', 'orchestrate doctor --json'],
    load: () => import('./doctor.ts'),
  },
  {
    name: 'mcp',
    summary: 'serve the Task Copilot tools on stdio (what .mcp.json starts)',
    args: [],
    options: [],
    examples: ['claude mcp add task-copilot -- orchestrate mcp', 'WORKSPACE_ID=my-app orchestrate mcp'],
    load: () => import('./mcp.ts'),
  },
  {
    name: 'completion',
    summary: 'print a completion script for your shell',
    args: [{ name: 'shell', required: true, choices: ['bash', 'zsh', 'fish'], hiddenChoices: ['streams'] }],
    options: [],
    examples: [
      'source <(orchestrate completion bash)',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
      'orchestrate completion zsh > "${fpath[1]}/_orchestrate"',
      'orchestrate completion fish > ~/.config/fish/completions/orchestrate.fish',
    ],
    load: async () => ({ run: (await import('./completion.ts')).completionOf(COMMANDS) }),
  },
];

export const COMMAND_GROUPS: readonly CommandGroup[] = [
  { title: 'Plan', commands: PLAN_COMMANDS },
  { title: 'Run', commands: RUN_COMMANDS },
  { title: 'Look', commands: LOOK_COMMANDS },
  { title: 'Tasks', commands: TASK_COMMANDS },
  { title: 'Afterwards', commands: AFTER_COMMANDS },
  { title: 'Set up', commands: SETUP_COMMANDS },
];

export const COMMANDS: readonly CommandDefinition[] = COMMAND_GROUPS.flatMap(({ commands }) => commands);
