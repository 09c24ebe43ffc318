/** Harm that the tests do in scenes of their own, each once: so that one table shows all that was tried. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from '../build.ts';
import type { Case, Outcome, Sweep } from './sweep.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What is harmed, how, the file below `test/` that does it, and words of its tests' names. */
const SCENES: readonly (readonly [name: string, harm: string, file: string, words: string])[] = [
  ['agent', 'leaves its work unfinished in every way', 'poller/done', 'leaves its work unfinished'],
  ['agent', 'leaves children that refuse to end', 'poller/worker-processes', ''],
  ['agent', 'is immortal; its whole tree ends with stop', 'poller/operator', 'stop ends whole process trees'],
  ['agent', 'brings in filters, hooks and settings of git', 'poller/hostile-git', 'filter|settings|hooks'],
  [
    'agent',
    'its worktree vanishes or points elsewhere',
    'poller/hostile-git',
    'vanishes or points elsewhere',
  ],
  ['agent', 'sets the tags of its own pane', 'poller/tmux-faults', 'sets the tags'],
  [
    'tmux',
    'server killed, ended, again and again',
    'poller/tmux-faults',
    'that is killed|outlived its|ends its tmux server',
  ],
  ['tmux', 'socket removed', 'poller/tmux-faults', 'socket that is deleted'],
  ['tmux', 'sessions and panes killed beside those of the user', 'poller/tmux-faults', 'session or a pane'],
  ['tmux', "hostile configuration of the user's", 'poller/tmux-faults', 'tmux.conf'],
  ['tmux', 'a server that does not answer', 'poller/silent-tmux', ''],
  ['store', 'missing, garbage, cut short, newer', 'poller/refusals', 'missing, garbage'],
  ['store', 'locked for long', 'poller/refusals', 'locked'],
  ['store', 'replaced while in use', 'poller/replaced-store', ''],
  ['store', 'rows that no plan can be made of', 'poller/refusals', 'rows that no plan'],
  ['state', 'removed', 'poller/lost-memory', ''],
  ['state', 'unwritable', 'poller/unwritable', ''],
  ['state', 'records and claims that cannot be read', 'poller/contained', ''],
  ['pollers', 'twenty at once', 'poller/many-starts', ''],
  ['pollers', 'one that lost its lease', 'poller/lease', ''],
  ['pollers', 'signals at any time', 'poller/signals', ''],
  ['processes', 'numbers taken by others, zombies, hidden children', 'adapters/process-tree', ''],
  ['names', 'hostile ids, titles and texts', 'poller/hostile-data', ''],
  ['branches', 'taken names and places', 'poller/hostile-git', 'not ours|is taken'],
  ['plan', 'dependencies that move, clash, fail', 'poller/stale', ''],
  ['clean', 'worktrees that hold anything at all', 'poller/clean', ''],
  ['MCP', 'garbage, half lines, ten megabytes, wrong types', 'adapters/mcp-bad-input', ''],
  ['MCP', 'twenty writers at once, 200 updates each', 'adapters/mcp-concurrency', ''],
  ['MCP', 'an agent that changes what is not its own', 'adapters/mcp-scope', ''],
];

/** What a test that failed says of it, in the lines after its name. */
function errorAfter(lines: readonly string[], at: number): string {
  const from = lines.findIndex((line, index) => index > at && line.startsWith('error:'));
  const end = lines.findIndex((line, index) => index > from && /^(?:code|name|stack):/.test(line));
  return from < 0
    ? 'no error is told'
    : lines
        .slice(from, end)
        .join(' ')
        .replace(/^error: (?:\|-? )?/, '')
        .slice(0, 1_600);
}

/** Runs the tests of a file whose names hold one of `words`, and counts them. */
async function runTests(file: string, words: string): Promise<Outcome> {
  await ensureBuilt();
  const named = words === '' ? [] : [`--test-name-pattern=${words}`];
  const args = ['--import', 'tsx', '--test', '--test-reporter=tap', ...named, `test/${file}.test.ts`];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  await new Promise((resolve) => child.once('close', resolve));
  const lines = text.split('\n').map((line) => line.trim());
  // A group of tests ends with a line like that of a test.
  const suites = lines.filter((line) => line === "type: 'suite'").length;
  const ended = lines.filter((line) => /^(?:not )?ok \d+ - (?!.*# SKIP)/.test(line)).length;
  const broken = lines.flatMap((line, at) => {
    const name = /^not ok \d+ - (.*)/.exec(line)?.[1];
    if (name === undefined) return [];
    return [{ where: `test/${file}.test.ts`, again: '', why: `${name}: ${errorAfter(lines, at)}` }];
  });
  const tests = ended - suites;
  if (tests === 0)
    broken.push({ where: `test/${file}.test.ts`, again: '', why: `no test is named ${words}` });
  return { injected: tests, broken };
}

export const catalogue: Sweep = {
  name: 'scenes',
  summary: 'agents, tmux, stores, processes, names and the MCP server, harmed in scenes of the tests',
  obstacle: () => null,
  cases: () =>
    SCENES.map(
      ([name, harm, file, words]): Case => ({
        name,
        harm,
        // They are run beside this sample anyhow.
        run: ({ quick }) => (quick ? Promise.resolve({ injected: 0, broken: [] }) : runTests(file, words)),
      }),
    ),
};
