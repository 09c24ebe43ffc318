/** What is typed to an idle agent: names of files stay names, and what the user is typing stays theirs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openProject } from '../../src/app/project.ts';
import { openPorts } from '../../src/app/wiring.ts';
import { createSlots } from '../../src/core/job-slots.ts';
import { UNKNOWN_ACTIVITY } from '../../src/core/worker-types.ts';
import { initiativeOf, takeLook } from '../../src/look/snapshot.ts';
import { createPace } from '../../src/poller/flights.ts';
import { nudge } from '../../src/poller/steps/nudge.ts';
import type { Step } from '../../src/poller/steps/step.ts';
import { until } from '../support/wait.ts';
import { createProjectRig } from '../support/worker-rig.ts';

/** A living worker, with the step that would type to it. */
async function createStep() {
  const rig = await createProjectRig({ plan: { A: [] } });
  const poller = rig.start();
  await rig.nextWorker('A');
  const { pane } = await rig.untilState('A', 'running');
  await rig.untilNoted('A');
  await poller.kill();
  const project = openProject({ cwd: rig.root, env: rig.cli.env });
  const ports = await openPorts(project, { create: false });
  const { snapshot } = await takeLook(ports, new Map(), true);
  const pace = createPace(0);
  const step = { ports, snapshot, gateSlots: createSlots(1), pace, abort: new AbortController().signal };
  return {
    step,
    tell: (text: string, ported: Step = step) =>
      nudge(ported, {
        kind: 'nudge',
        key: 'a',
        run: 1,
        reason: text,
        text,
        about: 'work',
        leaveDialog: false,
      }),
    // The terminal of the worker echoes what is typed.
    screen: () => rig.tmux('capture-pane', '-p', '-J', '-t', pane ?? ''),
    /** Where the cursor stands: at the beginning of a line once Enter was pressed. */
    column: () => Number(rig.tmux('display-message', '-p', '-t', pane ?? '', '#{cursor_x}')),
    async [Symbol.asyncDispose]() {
      project.close();
      await rig[Symbol.asyncDispose]();
    },
  };
}

test('a file whose name begins with @ is typed so that no agent takes it for a mention', async () => {
  await using worker = await createStep();
  await worker.tell('orchestrate: this stream is not done yet: uncommitted: @types/a.d.ts, src/@b.ts.');
  await until('all of it was typed', () => worker.screen().includes('b.ts.'));
  assert.match(worker.screen(), /uncommitted: \\@types\/a\.d\.ts, src\/@b\.ts\./);
});

test('what the user has begun to type at the prompt is not sent along', async () => {
  await using worker = await createStep();
  const { step } = worker;
  const agent = { ...step.ports.agent, hasDraft: (screen: string) => screen.includes('half a word') };
  await step.ports.tmux.typeLines(step.snapshot.records.get('a')?.runs[0]?.pane ?? '', ['half a word']);
  await until('it is on the screen', () => worker.screen().includes('half a word'));
  await worker.tell('orchestrate: this stream is not done yet', {
    ...step,
    ports: { ...step.ports, agentThatMade: () => agent },
  });
  assert.ok(!worker.screen().includes('not done yet'));
  const run = step.ports.state.records(initiativeOf(step.snapshot.plan)).get('a')?.runs[0];
  assert.equal(run?.nudges, 1, 'it counts, so that the agent is not told over and over');
  assert.deepEqual(
    step.ports.state
      .events({ key: 'a' })
      .map(({ kind }) => kind)
      .at(-1),
    'not-told',
  );
});

test('a dialog that comes up while it is typed to is not answered by our Enter, nor one that is there by a letter', async () => {
  await using worker = await createStep();
  const { step } = worker;
  let looks = 0;
  const activity = async () => ({
    ...UNKNOWN_ACTIVITY,
    dialog: looks++ === 0 ? null : ('permission' as const),
  });
  const agent = { ...step.ports.agent, activity };
  const asking = { ...step, ports: { ...step.ports, agentThatMade: () => agent } };
  await worker.tell('orchestrate: the first', asking);
  await until('it was typed', () => worker.screen().includes('orchestrate: the first'));
  assert.notEqual(worker.column(), 0, 'Enter was not pressed');
  await worker.tell('orchestrate: the second', asking);
  assert.doesNotMatch(worker.screen(), /the second/);
  const told = step.ports.state.events({ key: 'a' }).filter(({ kind }) => kind === 'not-told');
  assert.equal(told.length, 2);
});
