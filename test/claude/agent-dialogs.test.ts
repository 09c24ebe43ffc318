/** Real Claude Code when it wants the user: each dialog is recognised within seconds, and none is answered by us. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentActivity } from '../../src/core/types.ts';
import { until } from '../support/wait.ts';
import { createTrial, type Session } from './support/trial.ts';

const ASKS = [
  {
    match: 'Please do',
    steps: [{ tool: 'Bash', input: { command: 'sh make.sh', description: 'make' } }],
  },
];

test('an untrusted repository waits for trust, and the check says what to do about it beforehand', async () => {
  await using trial = await createTrial({ rules: ASKS, untrusted: true });
  const trust = (await trial.agent.check()).find(({ name }) => name === 'trust');
  assert.equal(trust?.level, 'fail');
  assert.match(trust?.fix ?? '', /^cd \S+ && claude$/);
  const seen = await needsPerson(await trial.launch('Please do it.'), /trust/);
  assert.equal(seen.remedy, 'claude');
  assert.equal(seen.inferred, true);
  assert.equal(trial.server.requests.length, 0, 'nothing was answered for the user');
});

test('a key that was never agreed to waits for an answer, and the check warns of it', async () => {
  await using trial = await createTrial({ rules: ASKS, home: { approveKey: false } });
  const login = (await trial.agent.check()).find(({ name }) => name === 'login');
  assert.equal(login?.level, 'warn');
  await needsPerson(await trial.launch('Please do it.'), /API key/);
});

test('a user who never set Claude Code up is told so', async () => {
  await using trial = await createTrial({ rules: ASKS, home: { onboarded: false } });
  const failed = (await trial.agent.check()).filter(({ level }) => level === 'fail').map(({ name }) => name);
  assert.deepEqual(failed, ['agent set-up']);
  await needsPerson(await trial.launch('Please do it.'), /not been set up/);
});

test('a permission prompt says for which call', async () => {
  await using trial = await createTrial({ rules: ASKS, agent: { permissions: 'manual' } });
  const session = await trial.launch('Please do it.');
  const seen = await until('the call to be named', async () => {
    const activity = await session.activity();
    return activity.detail === 'wants to run: sh make.sh' && activity;
  });
  assert.equal(seen.status, 'waiting');
  assert.equal(seen.inferred, false);
});

test('auto mode without its safety check is named as such', async () => {
  await using trial = await createTrial({ rules: ASKS, agent: { permissions: 'auto' } });
  const seen = await needsPerson(await trial.launch('Please do it.'), /auto mode cannot check/);
  assert.match(seen.remedy ?? '', /agent\.permissions/);
});

test('bypassed permissions ask nothing more, and a run that is not logged in waits for a login', async () => {
  await using trial = await createTrial({
    rules: [],
    agent: { permissions: 'bypass' },
    home: { loggedIn: false },
  });
  const levels = new Map((await trial.agent.check()).map(({ name, level }) => [name, level]));
  assert.equal(levels.get('permissions'), 'warn');
  assert.equal(levels.get('login'), 'warn');
  // Its screen says so before the turn ends by it.
  await needsPerson(await trial.launch('Please do it.'), /Not logged in/);
});

test('a refused request over the usage limit is a limit, not rest', async () => {
  await using trial = await createTrial({
    rules: [
      {
        match: 'Please do',
        steps: [{ error: 429, headers: { 'retry-after': '3600' }, message: 'limit reached' }],
      },
    ],
  });
  const session = await trial.launch('Please do it.');
  const seen = await until('the limit', async () => {
    const activity = await session.activity();
    return activity.status === 'limited' && activity;
  });
  assert.match(seen.detail ?? '', /429/);
});

/** Waits until the user is needed for this: the registry knows of a dialog a moment before it is drawn. */
async function needsPerson(session: Session, asking: RegExp): Promise<AgentActivity> {
  let last = '';
  return until('the user to be needed', async () => {
    const activity = await session.activity();
    last = JSON.stringify(activity);
    return activity.status === 'waiting' && asking.test(activity.detail ?? '') && activity;
  }).catch(async (cause: unknown) => {
    throw new Error(
      `${last}
${await session.pane.screen()}`,
      { cause },
    );
  });
}
