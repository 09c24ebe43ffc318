/** The plugin that opencode loads, run as it is written: what it reports, and when, whatever the clock is set to. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { PLUGIN, REPORT } from '../../src/agent/opencode/report-plugin.ts';

type Loaded = { readonly Report: () => Promise<{ event(told: { event: object }): Promise<void> }> };

test("signs of life of an opencode session are written every few seconds of the machine's own time", async (t) => {
  const spool = mkdtempSync(join(tmpdir(), 'orchestrate-opencode-'));
  const run = { SPOOL: spool, KEY: 'a', RUN: '1', TOKEN: 'secret' };
  for (const [name, value] of Object.entries(run)) process.env[`ORCHESTRATE_${name}`] = value;
  t.after(() => {
    rmSync(spool, { recursive: true });
    for (const name of Object.keys(run)) delete process.env[`ORCHESTRATE_${name}`];
  });
  writeFileSync(join(spool, 'plugin.mjs'), PLUGIN);
  const { Report }: Loaded = await import(pathToFileURL(join(spool, 'plugin.mjs')).href);
  const { event } = await Report();
  let ranMs = 10_000;
  t.mock.method(performance, 'now', () => ranMs);
  const clock = t.mock.method(Date, 'now', () => 1_700_000_000_000);
  const said = () => readFileSync(join(spool, `a-1.${REPORT}.json`), 'utf8').split('\n');
  const written = () => statSync(join(spool, `a-1.${REPORT}.json`)).ino;
  await event({
    event: { type: 'session.status', properties: { sessionID: 's', status: { type: 'busy' } } },
  });
  assert.equal(said()[0], 'secret');
  assert.equal(JSON.parse(said()[1] ?? '').status, 'busy');
  const first = written();
  ranMs += 4_000;
  await event({ event: { type: 'message.part.updated', properties: { sessionID: 's' } } });
  assert.equal(written(), first, 'not at each event');
  // Set back by a day meanwhile.
  clock.mock.mockImplementation(() => 1_700_000_000_000 - 86_400_000);
  ranMs += 2_000;
  await event({ event: { type: 'message.part.updated', properties: { sessionID: 's' } } });
  assert.notEqual(written(), first);
});
