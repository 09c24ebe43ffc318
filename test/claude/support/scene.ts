/** Words for scenes with many streams in one project: what the model does, what the user types, and what was seen of it. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { ReportStream, StatusReport } from '../../../src/report/types.ts';
import type { Step } from './model-server.ts';
import type { ClaudeProject } from './project.ts';

/** The model runs a command; `more` are further inputs of the tool. */
export function bash(command: string, more: object = {}): Step {
  return { tool: 'Bash', input: { command, description: 'work', ...more } };
}

/** The model writes, commits, and completes its task. */
export function work(id: string, task: string, file = `${id}.txt`): Step {
  const commit = `echo ${id} > ${file} && git add ${file} && git commit -q -m "Work of ${id}"`;
  return bash(`${commit} && orchestrate task update ${task} --status completed`);
}

/** A plan of streams with one task each, titled `Task of <stream>`; `on`: what a stream depends on. */
export function planOf(
  id: string,
  streams: readonly string[],
  on: Readonly<Record<string, readonly string[]>> = {},
): object {
  return {
    initiative: { id, title: id },
    prd: { title: id },
    streams: streams.map((each) => ({
      id: each,
      name: each,
      dependencies: on[each] ?? [],
      tasks: [{ title: `Task of ${each}` }],
    })),
  };
}

/** The report's stream; fails the test when there is none. */
export function streamIn(report: StatusReport, id: string): ReportStream {
  const found = report.streams.find((each) => each.id === id);
  assert.ok(found, `no stream ${id}`);
  return found;
}

/** Waits for a state with a reason. */
export async function untilState(
  project: ClaudeProject,
  id: string,
  state: ReportStream['state'],
  reason = /(?:)/,
): Promise<ReportStream> {
  const holds = (report: StatusReport): boolean => {
    const seen = streamIn(report, id);
    return seen.state === state && reason.test(seen.reason ?? '');
  };
  return streamIn(await project.until(`${id} to be ${state} (${reason.source})`, holds), id);
}

/** When a hook's report of run `run` of stream `key` was written, ms since the epoch; null when there is none. */
export function reportedAtMs(project: ClaudeProject, key: string, event: string, run = 1): number | null {
  const file = join(project.cli.root, '.claude/orchestrator/spool', `${key}-${run}.${event}.json`);
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

/** Waits until the stream is seen in `state` for a reason that fits; `status --json` must say the same. */
export async function isSeen(
  project: ClaudeProject,
  id: string,
  state: ReportStream['state'],
  reason: RegExp,
): Promise<ReportStream> {
  await untilState(project, id, state, reason);
  const stream = streamIn(JSON.parse(await project.run(['status', '--json'])) as StatusReport, id);
  assert.equal(stream.state, state);
  assert.match(stream.reason ?? '', reason);
  if (state === 'needs-input' || state === 'stalled') assert.ok(stream.remedy, 'a remedy');
  return stream;
}

/** The user types a line into the stream's pane. */
export async function type(project: ClaudeProject, id: string, text: string): Promise<void> {
  const { pane } = streamIn(await project.look(), id);
  project.tmux('send-keys', '-t', pane ?? '', '-l', '--', text);
  // Claude Code takes an Enter that comes with the text for a part of it.
  await new Promise((resolve) => setTimeout(resolve, 400));
  project.tmux('send-keys', '-t', pane ?? '', 'Enter');
}

/** The user presses keys in the stream's pane. */
export async function press(project: ClaudeProject, id: string, ...keys: readonly string[]): Promise<void> {
  const { pane } = streamIn(await project.look(), id);
  project.tmux('send-keys', '-t', pane ?? '', ...keys);
}
