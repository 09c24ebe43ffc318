/** What supervising Claude Code costs: a hook in a tool call, the poller while eight agents wait, and how soon a limit is seen. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPORT_SCRIPT, reportingHooks } from '../../src/agent/claude/report-script.ts';
import { createClaudeProject } from '../../test/claude/support/project.ts';
import { planOf, reportedAtMs, untilState } from '../../test/claude/support/scene.ts';
import { type Benchmark, byTurns, durationMs, type Figure, rest, shareOf } from './measure.ts';

const MEASURED_MS = 10_000;
/** What a start itself sets off is over by then. */
const SETTLE_MS = 3_000;

async function hook(): Promise<readonly Figure[]> {
  const root = mkdtempSync(join(tmpdir(), 'orchestrate-bench-'));
  try {
    mkdirSync(join(root, 'spool'));
    writeFileSync(join(root, 'report'), REPORT_SCRIPT);
    const env = {
      PATH: process.env['PATH'] ?? '',
      ORCHESTRATE_REPORT: join(root, 'report'),
      ORCHESTRATE_SPOOL: join(root, 'spool'),
      ORCHESTRATE_KEY: 'stream-a',
      ORCHESTRATE_RUN: '1',
      ORCHESTRATE_TOKEN: 'secret',
    };
    const [entry] = reportingHooks()['PreToolUse'] ?? [];
    const command = (entry as { hooks: { command: string }[] }).hooks[0]?.command ?? 'exit 9';
    const input = JSON.stringify({ tool_name: 'Write', tool_input: { content: 'x'.repeat(4_000) } });
    const sh = (script: string) => () =>
      durationMs(() => spawnSync('/bin/sh', ['-c', script], { env, input }));
    const [samples, floors] = await byTurns(80, [sh(command), sh('exit 0')]);
    const floor = { name: 'sh does nothing', samples: floors };
    return [{ name: 'a hook of a tool call', unit: 'ms', samples, floor }];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function waiting(): Promise<readonly Figure[]> {
  const streams = Array.from({ length: 8 }, (_, at) => `S${at}`);
  await using project = await createClaudeProject({
    plan: planOf('idle', streams),
    config: { maxWorkers: 8 },
    rules: () => [{ match: 'the stream', steps: [{ hold: 'for ever', answer: { text: 'Never said.' } }] }],
  });
  const { child } = project.start();
  await project.until(
    'eight agents at work',
    ({ streams: all }) =>
      project.server.requests.length >= streams.length && all.every(({ state }) => state === 'running'),
  );
  const idle = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1_000)']);
  try {
    await rest(SETTLE_MS)();
    const both = [child.pid ?? 0, idle.pid ?? 0].map((pid) => shareOf(pid, rest(MEASURED_MS)));
    const [polling = Number.NaN, floor = Number.NaN] = await Promise.all(both);
    const bare = { name: 'Node with a timer', samples: [floor] };
    return [
      { name: 'orchestrate with 8 waiting agents', unit: '% of a core', samples: [polling], floor: bare },
    ];
  } finally {
    idle.kill('SIGKILL');
  }
}

async function limit(): Promise<readonly Figure[]> {
  const streams = ['A', 'B', 'C'];
  await using project = await createClaudeProject({
    plan: planOf('limits', streams),
    env: { CLAUDE_CODE_MAX_RETRIES: '0' },
    rules: () => [{ match: 'the stream', steps: [{ error: 529 }] }],
  });
  project.start();
  const samples: number[] = [];
  await Promise.all(
    streams.map(async (id) => {
      await untilState(project, id, 'limited');
      samples.push(Date.now() - (reportedAtMs(project, id.toLowerCase(), 'StopFailure') ?? Number.NaN));
    }),
  );
  const [looks] = await byTurns(5, [() => durationMs(() => project.look())]);
  const floor = { name: 'a look', samples: looks };
  return [{ name: "a limit's report to its state", unit: 'ms', samples, floor }];
}

export const claude: readonly Benchmark[] = [
  { name: 'hook', summary: 'what the report of a tool call adds to it', run: hook },
  {
    name: 'waiting',
    summary: 'the share of a core of orchestrate whose eight Claude Code agents wait',
    run: waiting,
  },
  { name: 'limit', summary: 'how soon a limit that Claude Code meets is seen', run: limit },
];
