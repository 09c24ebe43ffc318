/** The commands that show what is going on. */
import type { CommandDefinition } from '../definition.ts';

export const LOOK_COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'status',
    summary: 'one look at everything, or everything about one stream',
    args: [{ name: 'stream', required: false, completes: 'streams' }],
    options: [
      { name: 'all', description: 'Streams of earlier initiatives too.' },
      {
        name: 'watch',
        value: 'S',
        valueOptional: true,
        description: 'Keep looking (as orchestrate watch does).',
      },
    ],
    examples: [
      'orchestrate status',
      'orchestrate status Stream-B',
      'orchestrate status --json',
      'orchestrate status Stream-B --watch 5',
    ],
    load: () => import('../status.ts'),
  },
  {
    name: 'watch',
    summary: 'the live summary',
    args: [{ name: 'seconds', required: false }],
    options: [],
    examples: ['orchestrate watch', 'orchestrate watch 5', './watch-status'],
    load: () => import('../watch.ts'),
  },
  {
    name: 'view',
    summary: 'live workers beside the summary, or a window each again',
    args: [],
    options: [
      { name: 'on', description: 'Beside the summary (without --on and --off: the other way round).' },
      { name: 'off', description: 'A window each.' },
    ],
    examples: ['orchestrate view', 'orchestrate view --off', 'orchestrate start --view'],
    load: () => import('../view.ts'),
  },
  {
    name: 'attach',
    summary: "go to the tmux session, or to a stream's window in it",
    args: [{ name: 'stream', required: false, completes: 'streams' }],
    options: [{ name: 'next', description: 'The stream that has waited longest for you.' }],
    examples: ['orchestrate attach', 'orchestrate attach Stream-B', 'orchestrate attach --next'],
    load: () => import('../attach.ts'),
  },
  {
    name: 'logs',
    summary: "a stream's readable log",
    args: [{ name: 'stream', required: true, completes: 'streams' }],
    options: [
      { name: 'follow', short: 'f', description: 'Go on as it grows.' },
      { name: 'lines', short: 'n', value: 'N', description: 'The last N lines (200).' },
      { name: 'raw', description: 'The bytes as the worker wrote them to its terminal.' },
      { name: 'run', value: 'N', description: 'Only this run.' },
    ],
    examples: [
      'orchestrate logs Stream-B',
      'orchestrate logs Stream-B -f',
      'orchestrate logs Stream-B -n 20 --run 2',
    ],
    load: () => import('../logs.ts'),
  },
];
