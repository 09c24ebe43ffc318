/** The commands that make, check and edit the plan. */
import type { CommandDefinition } from '../definition.ts';

export const PLAN_COMMANDS: readonly CommandDefinition[] = [
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
    load: () => import('../generate.ts'),
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
    load: () => import('../import.ts'),
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
    load: () => import('../plan.ts'),
  },
];
