/** The commands that set up a project and look after the installation. */
import type { CommandDefinition } from '../definition.ts';

export const SETUP_COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'completion',
    summary: 'print a completion script for your shell',
    args: [{ name: 'shell', required: true, choices: ['bash', 'zsh', 'fish', 'streams'] }],
    options: [],
    examples: [
      'source <(orchestrate completion bash)',
      'orchestrate completion zsh > "${fpath[1]}/_orchestrate"',
      'orchestrate completion fish > ~/.config/fish/completions/orchestrate.fish',
    ],
    load: () => import('../completion.ts'),
  },
];
