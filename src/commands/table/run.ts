/** The commands that start, stop and steer the work. */
import type { CommandDefinition } from '../definition.ts';

const STREAM = { name: 'stream', required: true, completes: 'streams' } as const;
const STREAMS = { name: 'stream', required: false, variadic: true, completes: 'streams' } as const;

export const RUN_COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'start',
    summary: 'work through the plan: start what is ready, verify what is finished, until all is done',
    args: [STREAMS],
    options: [
      { name: 'detach', short: 'd', description: "Run the poller in the session's own window and return." },
      { name: 'dry-run', description: 'Only say what would be started.' },
      { name: 'once', description: 'One tick: start and check what can be, then end.' },
      { name: 'max-workers', value: 'N', description: 'Agents at work at the same time.' },
      { name: 'poll', value: 'S', description: 'Safety poll in seconds (changes are noticed at once).' },
      { name: 'view', description: 'Live workers beside the summary (as orchestrate view --on).' },
      {
        name: 'accept-git-config',
        description: 'Accept git settings that were changed since the first worker started.',
      },
    ],
    examples: [
      'orchestrate start',
      'orchestrate start --detach --max-workers 3',
      'orchestrate start Stream-B',
      'orchestrate start --dry-run',
    ],
    load: () => import('../start.ts'),
  },
  {
    name: 'stop',
    summary: 'stop workers (and, with no stream named, the poller); work is kept',
    args: [STREAMS],
    options: [],
    examples: ['orchestrate stop', 'orchestrate stop Stream-B'],
    load: () => import('../stop.ts'),
  },
  {
    name: 'retry',
    summary: 'clear what holds a stream back and let it start again',
    args: [STREAM],
    options: [{ name: 'fresh', description: 'Begin a new conversation.' }],
    examples: ['orchestrate retry Stream-B', 'orchestrate retry Stream-B --fresh'],
    load: () => import('../retry.ts'),
  },
  {
    name: 'send',
    summary: "type a message into a stream's agent",
    args: [STREAM, { name: 'text', required: true, variadic: true }],
    options: [],
    examples: [
      'orchestrate send Stream-B "Please use the existing helper in src/db"',
      'orchestrate send Stream-B go on',
      'orchestrate send Stream-B - < message.txt',
    ],
    load: () => import('../send.ts'),
  },
  {
    name: 'park',
    summary: 'take a stream out until retry',
    args: [STREAM],
    options: [],
    examples: ['orchestrate park Stream-B'],
    load: () => import('../park.ts'),
  },
  {
    name: 'verify',
    summary: "check a stream's work again, with its gates and without an agent",
    args: [STREAM],
    options: [],
    examples: ['orchestrate verify Stream-B'],
    load: () => import('../verify.ts'),
  },
  {
    name: 'resolve',
    summary: "give the merge of a stream's clashing dependencies to its agent",
    args: [STREAM],
    options: [],
    examples: ['orchestrate resolve Stream-Z'],
    load: () => import('../resolve.ts'),
  },
];
