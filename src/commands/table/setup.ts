/** The commands that set up a project and look after the installation. */
import type { CommandDefinition } from '../definition.ts';

export const SETUP_COMMANDS: readonly CommandDefinition[] = [
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
    load: () => import('../init.ts'),
  },
  {
    name: 'doctor',
    summary: 'check git, tmux, node, agent, trust, store and permissions',
    args: [],
    options: [],
    examples: ['orchestrate doctor', 'orchestrate doctor --json'],
    load: () => import('../doctor.ts'),
  },
  {
    name: 'mcp',
    summary: 'serve the Task Copilot tools on stdio (what .mcp.json starts)',
    args: [],
    options: [],
    examples: ['claude mcp add task-copilot -- orchestrate mcp', 'WORKSPACE_ID=my-app orchestrate mcp'],
    load: () => import('../mcp.ts'),
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
    load: () => import('../completion.ts'),
  },
];
