/** The commands that start, steer and show the work. */
import { LANDING_STRATEGIES } from '../core/landing-types.ts';
import type { CommandDefinition } from './definition.ts';

const STREAM = { name: 'stream', required: true, completes: 'streams' } as const;
const STREAMS = { name: 'stream', required: false, variadic: true, completes: 'streams' } as const;

export const RUN_COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'start',
    summary: 'work through the plan: start what is ready, verify what is finished, until all is done',
    args: [STREAMS],
    options: [
      { name: 'detach', short: 'd', description: "Go on in the background, in the session's own window." },
      { name: 'dry-run', description: 'Only say what would be started.' },
      { name: 'once', description: 'Start and check what can be now, then end.' },
      { name: 'max-workers', value: 'N', description: 'Agents at work at the same time.' },
      {
        name: 'poll',
        value: 'S',
        description: 'Look again at least every S seconds (changes are noticed at once).',
      },
      { name: 'view', description: 'Split view: agents beside the summary (as orchestrate view --on).' },
      {
        name: 'accept-git-config',
        description: 'Accept git settings that were changed since the first agent started.',
      },
    ],
    examples: [
      'orchestrate start',
      'orchestrate start --detach --max-workers 3',
      'orchestrate start Stream-B',
      'orchestrate start --dry-run',
    ],
    load: () => import('./start.ts'),
  },
  {
    name: 'stop',
    summary: 'stop agents (and, with no stream named, orchestrate); work is kept',
    args: [STREAMS],
    options: [],
    examples: ['orchestrate stop', 'orchestrate stop Stream-B'],
    load: () => import('./stop.ts'),
  },
  {
    name: 'retry',
    summary: 'clear what holds a stream back and let it start again',
    args: [STREAM],
    options: [{ name: 'fresh', description: 'Begin a new conversation.' }],
    examples: ['orchestrate retry Stream-B', 'orchestrate retry Stream-B --fresh'],
    load: () => import('./retry.ts'),
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
    load: () => import('./send.ts'),
  },
  {
    name: 'park',
    summary: 'take a stream out until retry',
    args: [STREAM],
    options: [],
    examples: ['orchestrate park Stream-B'],
    load: () => import('./park.ts'),
  },
  {
    name: 'cancel',
    summary:
      'take a stream out of the plan for good: cancel its tasks, end its agent, let its dependents go on without it',
    args: [STREAM],
    options: [],
    examples: ['orchestrate cancel Stream-B', 'orchestrate cancel Stream-B --json'],
    load: () => import('./cancel.ts'),
  },
  {
    name: 'verify',
    summary: "check a stream's work again, with its gates and without an agent",
    args: [STREAM],
    options: [],
    examples: ['orchestrate verify Stream-B'],
    load: () => import('./verify.ts'),
  },
  {
    name: 'sync',
    summary: 'bring streams up to date with what they build on, checked again and without an agent',
    args: [STREAMS],
    options: [{ name: 'dry-run', description: 'Only say what would be merged, and what would clash.' }],
    examples: ['orchestrate sync', 'orchestrate sync --dry-run', 'orchestrate sync Stream-B --json'],
    load: () => import('./sync.ts'),
  },
  {
    name: 'resolve',
    summary: 'give a merge that clashes, of its dependencies or in landing it, to the agent of a stream',
    args: [STREAM],
    options: [],
    examples: ['orchestrate resolve Stream-Z'],
    load: () => import('./resolve.ts'),
  },
  {
    name: 'merge',
    summary: 'land verified work on your branch, as far as it goes without a clash',
    args: [STREAMS],
    options: [
      {
        name: 'dry-run',
        description: 'Only say what would land, what would not, and which gates would run.',
      },
      { name: 'into', value: 'BRANCH', description: 'Another branch than the one the plan started from.' },
      {
        name: 'strategy',
        value: 'S',
        choices: LANDING_STRATEGIES,
        description: 'How work lands, instead of by landing.strategy.',
      },
      { name: 'no-gates', description: 'Land without running the gates on the result.' },
    ],
    examples: [
      'orchestrate merge --dry-run',
      'orchestrate merge',
      'orchestrate merge Stream-B --strategy squash',
      'orchestrate merge --into release',
    ],
    load: () => import('./merge.ts'),
  },
];

/** The commands that show what is going on. */
export const LOOK_COMMANDS: readonly CommandDefinition[] = [
  {
    name: 'status',
    summary: 'one look at everything, or everything about one stream',
    args: [{ name: 'stream', required: false, completes: 'streams' }],
    options: [
      { name: 'events', description: 'All events that are kept, instead of the last few.' },
      { name: 'all', description: 'Everything: all events, and streams of earlier initiatives too.' },
      {
        name: 'watch',
        value: 'S',
        valueOptional: true,
        description: 'Keep looking (as orchestrate watch does).',
      },
      {
        name: 'html',
        value: 'FILE',
        completes: 'files',
        description: 'Write it as one page for a browser; with --watch again at each change.',
      },
    ],
    examples: [
      'orchestrate status',
      'orchestrate status Stream-B',
      'orchestrate status --json',
      'orchestrate status Stream-B --watch 5',
      'orchestrate status --html ~/plan.html --watch',
    ],
    load: () => import('./status.ts'),
  },
  {
    name: 'review',
    summary:
      'the change of a stream, or of each, against what it builds on; notes of a review go to its agent',
    args: [{ name: 'stream', required: false, completes: 'streams' }],
    options: [],
    examples: ['orchestrate review', 'orchestrate review Stream-B', 'orchestrate review --json'],
    load: () => import('./review.ts'),
  },
  {
    name: 'watch',
    summary: 'the live summary',
    args: [{ name: 'seconds', required: false }],
    options: [],
    examples: ['orchestrate watch', 'orchestrate watch 5', './watch-status'],
    load: () => import('./watch.ts'),
  },
  {
    name: 'view',
    summary: 'split view: agents beside the summary, or one window per agent',
    args: [],
    options: [
      { name: 'on', description: 'Agents beside the summary (without --on and --off: the other way round).' },
      { name: 'off', description: 'One window per agent.' },
    ],
    examples: ['orchestrate view', 'orchestrate view --off', 'orchestrate start --view'],
    load: () => import('./view.ts'),
  },
  {
    name: 'attach',
    summary: "go to the tmux session, or to a stream's window in it",
    args: [{ name: 'stream', required: false, completes: 'streams' }],
    options: [{ name: 'next', description: 'The stream that has waited longest for you.' }],
    examples: ['orchestrate attach', 'orchestrate attach Stream-B', 'orchestrate attach --next'],
    load: () => import('./attach.ts'),
  },
  {
    name: 'logs',
    summary: "a stream's readable log",
    args: [{ name: 'stream', required: true, completes: 'streams' }],
    options: [
      { name: 'follow', short: 'f', description: 'Go on as it grows.' },
      { name: 'lines', short: 'n', value: 'N', description: 'The last N lines (200).' },
      { name: 'raw', description: 'The bytes as the agent wrote them to its terminal.' },
      { name: 'run', value: 'N', description: 'Only this run.' },
    ],
    examples: [
      'orchestrate logs Stream-B',
      'orchestrate logs Stream-B -f',
      'orchestrate logs Stream-B -n 20 --run 2',
      'orchestrate logs Stream-B -f --json | jq -r .text',
    ],
    load: () => import('./logs.ts'),
  },
  {
    name: 'events',
    summary: 'what happened, by number, one line each; live with --follow',
    args: [],
    options: [
      { name: 'follow', short: 'f', description: 'Go on as things happen, also before there is a plan.' },
      { name: 'since', value: 'N', description: 'Only what came after event number N.' },
      {
        name: 'for-claude',
        description: 'Only what needs you, failed or finished, told to Claude Code with what it may do.',
      },
    ],
    examples: [
      'orchestrate events',
      'orchestrate events --follow --since 120',
      'orchestrate events --follow --json | jq -r .message',
      'orchestrate events --follow --for-claude',
    ],
    load: () => import('./events.ts'),
  },
];
