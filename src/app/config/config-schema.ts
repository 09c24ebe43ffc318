/** The rules of config.json as a zod schema: the one source of validation and of the published JSON schema. */
import { isAbsolute, normalize } from 'node:path';
import * as z from 'zod';
import { AGENT_KINDS, LANDING_STRATEGIES } from '../../core/run-types.ts';
import {
  AGENT_MCP,
  AGENT_MODES,
  DEFAULT_CONFIG,
  FINISHED_WINDOWS,
  LEFTOVERS,
  PERMISSIONS,
  WALLS,
} from './config.ts';

const D = DEFAULT_CONFIG;
const plain = z.string().regex(/^\P{Cc}+$/u, 'must be a non-empty line without control characters');
const command = z
  .string()
  .min(1, 'must not be empty')
  .refine((text) => !text.includes('\0'), 'must not contain NUL');
const positive = z.number().positive();
const count = z.int().min(1);

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

const branch = plain
  .refine((name) => !name.startsWith('-'), 'must not start with a dash')
  .nullable()
  .default(null);

const inside = plain.refine(staysInside, 'must be a relative path that stays inside the project');

const gate = z.strictObject({
  name: plain.max(60).describe('Short name, shown in the status and used for the log file.'),
  command: command.describe('Run by sh -c in the worktree; exit 0 passes.'),
  cwd: inside.default('.').describe('Directory to run in, relative to the worktree.'),
  timeoutSeconds: positive.max(86_400).default(900),
});

const agent = z.strictObject({
  kind: z
    .enum(AGENT_KINDS)
    .default(D.agent.kind)
    .describe('claude: Claude Code; codex: OpenAI Codex CLI; opencode: opencode; custom: any command.'),
  command: command.default(D.agent.command),
  args: z
    .array(z.string().refine((text) => !text.includes('\0'), 'must not contain NUL'))
    .default([])
    .describe('For custom agents {prompt_file}, {stream} and {mcp_config} inside an argument are replaced.'),
  mode: z.enum(AGENT_MODES).default(D.agent.mode).describe('print: without a person watching.'),
  model: plain.nullable().default(D.agent.model),
  permissions: z.enum(PERMISSIONS).default(D.agent.permissions),
  allow: z
    .array(plain)
    .nullable()
    .default(null)
    .describe('Tools allowed unasked; null: a small default list.'),
  mcp: z.enum(AGENT_MCP).default(D.agent.mcp).describe('all: the MCP servers of the user and project too.'),
  wall: z
    .enum(WALLS)
    .nullable()
    .default(null)
    .describe('fence: edits and git commands stay in the worktree; null: fence, where the agent has one.'),
  attended: z.boolean().default(D.agent.attended).describe('A person attends: the agent may ask questions.'),
});

const worktree = z.strictObject({
  root: plain
    .refine((path) => isAbsolute(path) || (staysInside(path) && normalize(path) !== '.'), {
      message: 'must be a directory inside the project or an absolute path',
    })
    .refine((path) => !normalize(path).split('/').includes('.git'), 'must not be inside .git')
    .default(D.worktree.root),
  symlink: z.array(inside).default([]).describe('Ignored directories that worktrees share by a symlink.'),
  setup: z.array(command).default([]).describe('Run by sh -c, in order, in every new worktree.'),
  setupTimeoutSeconds: positive.max(86_400).default(D.worktree.setupTimeoutSeconds),
  portBase: z
    .int()
    .min(1024)
    .max(60_000)
    .default(D.worktree.portBase)
    .describe('Ten ports a stream from here on.'),
});

const socket = plain.refine(
  (name) => isAbsolute(name) || !/[/]|^-/.test(name),
  'must be a socket name without slashes or an absolute path',
);

/** config.json: strict, every key optional, defaults filled in. */
export const configSchema = z
  .strictObject({
    $schema: z.string().optional(),
    workspace: plain
      .nullable()
      .default(null)
      .describe('Task Copilot workspace; null: .mcp.json or the directory name.'),
    baseBranch: branch.describe('Branch that root streams start from; null: the one checked out.'),
    branchPrefix: z
      .string()
      .max(100)
      .refine(isBranchPrefix, 'must be a prefix of valid branch names, such as "orchestrate/"')
      .default(D.branchPrefix),
    maxWorkers: count.max(200).default(D.maxWorkers).describe('Agents at work at the same time.'),
    pollSeconds: positive
      .max(86_400)
      .default(D.pollSeconds)
      .describe('Safety poll; changes are noticed at once.'),
    staggerMs: z.int().min(0).max(600_000).default(D.staggerMs).describe('Pause between two launches.'),
    agent: agent.prefault({}),
    gates: z
      .array(gate)
      .refine(
        (gates) => new Set(gates.map(({ name }) => name)).size === gates.length,
        'must have distinct names',
      )
      .default([])
      .describe("Commands that must succeed on a stream's head before it counts as done."),
    gateConcurrency: count.max(64).default(D.gateConcurrency),
    leftovers: z
      .enum(LEFTOVERS)
      .default(D.leftovers)
      .describe('commit: commit tracked changes an agent leaves.'),
    worktree: worktree.prefault({}),
    restart: z
      .strictObject({
        maxAttempts: count.max(100).default(D.restart.maxAttempts),
        windowMinutes: positive.default(D.restart.windowMinutes),
        delaysSeconds: z
          .array(z.number().min(0).max(86_400))
          .min(1)
          .max(10)
          .default([...D.restart.delaysSeconds])
          .describe('Pauses before the 2nd, 3rd and every later attempt.'),
      })
      .prefault({}),
    stallMinutes: positive
      .default(D.stallMinutes)
      .describe('Silence after which a stream is said to be stalled.'),
    limits: z
      .strictObject({
        maxMinutes: positive
          .nullable()
          .default(null)
          .describe('Minutes that agents may work on one stream; it is parked then.'),
        maxCostUsd: positive
          .nullable()
          .default(null)
          .describe('Dollars, by the word of the agent, that one stream may cost; it is parked then.'),
      })
      .prefault({}),
    landing: z
      .strictObject({
        auto: z.boolean().default(D.landing.auto).describe('Land each stream as soon as it is done.'),
        branch: branch.describe('Branch that work lands on; null: the one from which the plan started.'),
        strategy: z
          .enum(LANDING_STRATEGIES)
          .default(D.landing.strategy)
          .describe('merge: a merge commit a stream; squash: one commit a stream; rebase: its commits.'),
      })
      .prefault({}),
    finishedWindows: z.enum(FINISHED_WINDOWS).default(D.finishedWindows),
    view: z
      .strictObject({
        minWidth: z.int().min(20).max(1000).default(D.view.minWidth),
        minHeight: z.int().min(3).max(1000).default(D.view.minHeight),
      })
      .prefault({}),
    notify: z
      .strictObject({ tmux: z.boolean().default(D.notify.tmux), command: command.nullable().default(null) })
      .prefault({}),
    tmux: z
      .strictObject({
        socket: socket.nullable().default(null).describe('A private tmux server; null: your own.'),
      })
      .prefault({}),
  })
  .describe('Configuration of orchestrate');

/** The text of `templates/config.schema.json`: the schema as it is shipped for editors. */
export function publishedSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(configSchema, { io: 'input' }), null, 2)}\n`;
}
