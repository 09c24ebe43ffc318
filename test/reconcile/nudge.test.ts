/** What is typed to an idle agent names files that a worker chose the names of: they stay names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openProject } from '../../src/context.ts';
import { openPorts } from '../../src/open-ports.ts';
import { nudge } from '../../src/reconcile/nudge.ts';
import { createPace } from '../../src/reconcile/pace.ts';
import { takeLook } from '../../src/reconcile/snapshot.ts';
import { createSlots } from '../../src/slots.ts';
import { until } from '../support/tmux-rig.ts';
import { createProjectRig } from '../support/worker-rig.ts';

test('a file whose name begins with @ is typed so that no agent takes it for a mention', async () => {
  await using rig = await createProjectRig({ plan: { A: [] } });
  const poller = rig.start();
  await rig.nextWorker('A');
  const { pane } = await rig.untilState('A', 'running');
  await poller.kill();
  const project = openProject({ cwd: rig.root, env: rig.cli.env });
  const ports = await openPorts(project, { create: false });
  const { snapshot } = await takeLook(ports, new Map(), true);
  const pace = createPace(0, ports.now);
  const step = { ports, snapshot, gateSlots: createSlots(1), pace, abort: new AbortController().signal };
  const text = 'orchestrate: this stream is not done yet: uncommitted: @types/a.d.ts, src/@b.ts.';
  const about = 'work' as const;
  await nudge(step, { kind: 'nudge', key: 'a', run: 1, reason: text, text, about, leaveDialog: false });
  project.close();
  // The terminal of the worker echoes what is typed.
  const screen = (): string => rig.tmux('capture-pane', '-p', '-J', '-t', pane ?? '');
  await until('it was typed', () => screen().includes('not done yet'));
  assert.match(screen(), /uncommitted: \\@types\/a\.d\.ts, src\/@b\.ts\./);
});
