/** Real Claude Code killed in the middle of its turn, with its window, its tmux server, its poller and its machine: the same conversation goes on, nothing is lost, and there are never two agents. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createProcesses } from '../../src/process/processes.ts';
import type { StatusReport } from '../../src/report/types.ts';
import { openStateDatabase } from '../../src/state/state-schema.ts';
import { until } from '../support/wait.ts';
import { textOf } from './support/model-server.ts';
import { openPane } from './support/pane.ts';
import { type ClaudeProject, createClaudeProject, type Poller } from './support/project.ts';
import { bash, isSeen, planOf, streamIn, work } from './support/scene.ts';

const STREAMS = ['Agent', 'Window', 'Other'] as const;
type Name = (typeof STREAMS)[number];

/** Never ends by itself; says who it is. */
const CHILD = 'echo $$ > "$ORCHESTRATE_PROJECT/../child"; until [ -e /nowhere/at/all ]; do sleep 0.2; done';

test('agents killed in their turn in every way go on where they were', async () => {
  await using project = await createClaudeProject({
    plan: planOf('kills', STREAMS),
    // Two attempts: a death of tmux, of the poller or of the machine that counted would be the end of a stream.
    config: { restart: { maxAttempts: 2, delaysSeconds: [0.1] } },
    rules: (taskOf) => {
      const first = {
        Agent: [bash('git commit -q --allow-empty -m "Half of it"'), bash(CHILD)],
        Window: [{ hold: 'for ever', answer: { text: 'Never said.' } }],
        Other: [bash('echo half > half.txt'), { hold: 'for ever', answer: { text: 'Never said.' } }],
      };
      return STREAMS.flatMap((id) => {
        const later = { hold: id, answer: work(id, taskOf(`Task of ${id}`).id) };
        const steps =
          id === 'Other' ? [bash('git add half.txt && git commit -q -m "The half"'), later] : [later];
        return [
          { match: new RegExp(`the stream \`${id}\`[\\s\\S]*worked on this stream before you`), steps },
          { match: `the stream \`${id}\``, steps: first[id] },
        ];
      });
    },
  });
  using watch = watchForDoubles(project);

  const first = project.start();
  const begun = await untilRuns(project, { Agent: 1, Window: 1, Other: 1 });
  const child = join(project.cli.home, 'child');
  await project.until('the tool call', () => existsSync(child) && readFileSync(child, 'utf8').endsWith('\n'));
  const half = join(project.cli.root, '.claude/worktrees/other/half.txt');
  await project.until('the file', () => existsSync(half));

  const { pid } = streamIn(begun, 'Agent');
  process.kill(pid ?? 0, 'SIGKILL');
  await project.until('its death to be seen', (report) => streamIn(report, 'Agent').pid !== pid);
  project.tmux('kill-window', '-t', streamIn(begun, 'Window').pane ?? '');
  const restarted = await untilRuns(project, { Agent: 2, Window: 2, Other: 1 });
  // Null for a zombie too, which nobody may have collected yet.
  const orphan = createProcesses().identify(Number(readFileSync(child, 'utf8')));
  assert.equal(orphan, null, 'what the dead agent had started is ended');

  await killed(first);
  const second = project.start();
  await project.until('it acts', ({ poller }) => poller.alive && poller.pid === second.child.pid);
  const adopted = await untilRuns(project, { Agent: 2, Window: 2, Other: 1 });
  for (const id of STREAMS)
    assert.equal(streamIn(adopted, id).pid, streamIn(restarted, id).pid, 'taken over');

  process.kill(Number(project.tmux('display-message', '-p', '#{pid}')), 'SIGKILL');
  const again = await untilRuns(project, { Agent: 3, Window: 3, Other: 2 });

  await killed(second);
  process.kill(Number(project.tmux('display-message', '-p', '#{pid}')), 'SIGKILL');
  for (const id of STREAMS) {
    const { pid } = streamIn(again, id);
    await until(`the end of ${id}`, () => createProcesses().identify(pid ?? 0) === null);
  }
  pretendReboot(project);
  const third = await withSecondWriter(project, streamIn(again, 'Other').sessionId ?? '');
  await project.run(['retry', 'Other']);
  await untilRuns(project, { Agent: 4, Window: 4, Other: 3 });
  for (const id of STREAMS) project.server.release(id);
  assert.equal(await third.ended, 0, third.output());

  const report = await project.look();
  for (const id of STREAMS) {
    assert.equal(
      streamIn(report, id).sessionId,
      streamIn(begun, id).sessionId,
      `${id}: the same conversation`,
    );
    assertWholeConversation(project, id, streamIn(report, id).run ?? 0);
  }
  assert.equal(project.cli.git('show', 'orchestrate/other:half.txt'), 'half', 'no work is lost');
  assert.match(project.cli.git('log', '--format=%s', 'orchestrate/agent'), /Half of it/);
  assert.deepEqual(watch.doubles(), [], 'never two agents of one stream');
});

/** Waits until each stream's run of that number has asked the model for something, in the middle of its turn. */
async function untilRuns(
  project: ClaudeProject,
  runs: Readonly<Record<Name, number>>,
): Promise<StatusReport> {
  return project.until(`runs ${JSON.stringify(runs)}`, (report) =>
    STREAMS.every((id) => {
      const { state, run, pid } = streamIn(report, id);
      return (
        state === 'running' && run === runs[id] && pid !== null && promptsOf(project, id).length >= runs[id]
      );
    }),
  );
}

/** The prompts in the stream's newest request, oldest first. */
function promptsOf(project: ClaudeProject, id: Name): readonly string[] {
  const texts = project.server.requests.map(({ messages }) =>
    messages.map(textOf).filter((text) => text.includes(`the stream \`${id}\``)),
  );
  return texts.filter((prompts) => prompts.length > 0).at(-1) ?? [];
}

/** Every run's prompt is in the one conversation; each after the first says what is committed. */
function assertWholeConversation(project: ClaudeProject, id: Name, runs: number): void {
  const prompts = promptsOf(project, id);
  assert.equal(prompts.length, runs, `${id}: prompts in its conversation`);
  const second = prompts[1] ?? '';
  assert.match(second, /Run 1 worked on this stream before you/);
  assert.match(second, id === 'Agent' ? /1 commit is on your branch/ : /Nothing of it is committed/);
}

async function killed(poller: Poller): Promise<void> {
  poller.child.kill('SIGKILL');
  await poller.ended;
}

/** All that is known of the runs is from another boot of the machine. */
function pretendReboot(project: ClaudeProject): void {
  const db = openStateDatabase(join(project.cli.root, '.claude/orchestrator/state.db'), {});
  db.exec("UPDATE runs SET boot_id = 'another'");
  db.close();
}

/** The user has the conversation of Other open elsewhere: it is left alone until they leave it. */
async function withSecondWriter(project: ClaudeProject, conversation: string): Promise<Poller> {
  const { agent } = JSON.parse(project.cli.read('.claude/orchestrator/config.json')) as {
    agent: { command: string };
  };
  const pane = await openPane([agent.command, '--strict-mcp-config', '--resume', conversation], {
    cwd: project.cli.root,
    env: project.env,
  });
  try {
    const entry = join(project.home.sessions, `${pane.pid}.json`);
    await until(
      'the other session',
      () => existsSync(entry) && readFileSync(entry, 'utf8').includes(conversation),
    );
    const poller = project.start();
    const refused = await isSeen(
      project,
      'Other',
      'failed',
      new RegExp(
        `the conversation of Other is open in another session \\(pid ${pane.pid}\\): leave that with /exit`,
      ),
    );
    assert.equal(refused.remedy, 'orchestrate retry Other');
    return poller;
  } finally {
    await pane.close();
  }
}

/** Looks all the time for processes of two runs of one stream. */
function watchForDoubles(project: ClaudeProject): { doubles(): readonly string[] } & Disposable {
  const processes = createProcesses();
  const prefix = `${createHash('sha256').update(project.cli.root).digest('hex').slice(0, 16)}:run:`;
  const found = new Set<string>();
  const timer = setInterval(() => {
    const runs = new Map<string, string>();
    for (const { mark } of processes.findMarked(prefix)) {
      const [key = '', run = ''] = mark.slice(prefix.length).split(':');
      if ((runs.get(key) ?? run) !== run) found.add(`${key}: ${runs.get(key)} and ${run}`);
      runs.set(key, run);
    }
  }, 100);
  return { doubles: () => [...found], [Symbol.dispose]: () => clearInterval(timer) };
}
