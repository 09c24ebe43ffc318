/** What `import` and `plan` do in which order, and where they say it; on stores that only take notes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImportContext } from '../../src/commands/import.ts';
import { runImport } from '../../src/commands/import.ts';
import { runPlan } from '../../src/commands/plan.ts';
import { OrchestrateError } from '../../src/core/errors.ts';
import type { Initiative, Plan } from '../../src/core/types.ts';

const planFile = (over: object = {}) =>
  JSON.stringify({
    initiative: { id: 'i1', title: 'First' },
    streams: [{ id: 'A', tasks: [{ title: 'x' }] }],
    ...over,
  });

/** A context whose store notes what is asked of it. */
function fakeContext(text: string, refuse = false, current: Initiative | null = { id: 'i1', title: '' }) {
  const log: string[] = [];
  const plan: Plan = { initiative: null, streams: [], problems: [] };
  const context: ImportContext = {
    openStore: async (create) => {
      log.push(`open ${create}`);
      return {
        currentInitiative: () => current,
        readPlan: () => plan,
        importPlan: (_, how) => {
          log.push(`import ${JSON.stringify(how)}`);
          return { prd: 'PRD-1', streams: 1, tasks: 1, added: 1, changed: 0, archivedTasks: 0 };
        },
      };
    },
    readFile: async () => text,
    readStdin: async () => assert.fail('stdin was read'),
    refuseWhileWorkersLive: async (id, again) => {
      log.push(`workers ${id}, then ${again}`);
      if (refuse) throw new OrchestrateError(5, 'workers live', 'stop');
    },
    print: () => undefined,
  };
  return { context, log };
}
const request = { file: 'p', update: false, dryRun: false, json: true };

test('living workers are asked about before the store is touched', async () => {
  const { context, log } = fakeContext(planFile(), true);
  await assert.rejects(runImport(context, request), { exitCode: 5 });
  assert.deepEqual(log, ['workers i1, then orchestrate import p']);
});

test('a plan without an initiative joins the current one, which disturbs nobody', async () => {
  const { context, log } = fakeContext(planFile({ initiative: undefined }), true);
  assert.equal(await runImport(context, request), 0);
  assert.deepEqual(log, [
    'open true',
    'import {"update":false,"dryRun":false,"again":"orchestrate import p --update"}',
  ]);
});

test('an update that would make an initiative of streams that belong to none asks about workers', async () => {
  const text = planFile({ initiative: undefined });
  const { context, log } = fakeContext(text, true, null);
  await assert.rejects(runImport(context, { ...request, update: true }), { exitCode: 5 });
  assert.equal(log.at(-1), 'workers null, then orchestrate import p --update');
  assert.equal(await runImport(fakeContext(text, true).context, { ...request, update: true }), 0);
});

test('the JSON of a plan with problems comes whole, and the error on stderr only', async () => {
  const plan: Plan = {
    initiative: null,
    streams: [],
    problems: [{ code: 'bad-metadata', message: 'task T: broken', streams: [], tasks: ['T'] }],
  };
  const printed: string[] = [];
  const warned: string[] = [];
  const context = {
    openStore: async () => ({ readPlan: () => plan, earlierPlans: () => [] }),
    columns: null,
    print: (line: string) => void printed.push(line),
    warn: (line: string) => void warned.push(line),
  };
  assert.equal(await runPlan(context, { form: 'json', all: false }), 7);
  assert.equal(JSON.parse(printed.join('')).problems[0].message, 'task T: broken');
  assert.match(warned.join('\n'), /^orchestrate: error: task T: broken\n {2}fix: /);
  await assert.rejects(runPlan(context, { form: 'text', all: false }), {
    exitCode: 7,
    box: /task T: broken/,
  });
});
