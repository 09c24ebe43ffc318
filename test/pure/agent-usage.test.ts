/** What a run used, as its conversations tell: nothing twice, nothing of other runs, dollars only where Claude Code wrote them. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { parseCost } from '../../src/agent/claude/reports.ts';
import { createUsageMeter } from '../../src/agent/claude/usage.ts';

const at = (seconds: number): number => Date.UTC(2026, 10, 24, 12, 0, seconds);

function answer(id: string, seconds: number, output: number, more: object = {}): string {
  const usage = {
    input_tokens: 1,
    cache_creation_input_tokens: 20,
    cache_read_input_tokens: 3000,
    output_tokens: output,
  };
  const timestamp = new Date(at(seconds)).toISOString();
  return `${JSON.stringify({ type: 'assistant', timestamp, message: { id, role: 'assistant', usage }, ...more })}\n`;
}

const total = (totalCostUSD: number, more: object = {}): string =>
  `${JSON.stringify({ type: 'cost-state', totalCostUSD, ...more })}\n`;

function desk() {
  const directory = mkdtempSync(path.join(tmpdir(), 'orchestrate-usage-'));
  const file = (name: string): string => path.join(directory, `${name}.jsonl`);
  return {
    file,
    write: (name: string, text: string) => writeFileSync(file(name), text),
    append: (name: string, text: string) => appendFileSync(file(name), text),
    below: (name: string) => mkdirSync(path.join(directory, name, 'subagents'), { recursive: true }),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

const run = (from: number, to: number | null = null) => ({
  startedAtMs: at(from),
  endedAtMs: to === null ? null : at(to),
});

test('an answer counts once, with its last numbers, however many lines tell of it', () => {
  using files = desk();
  const noise = `${JSON.stringify({ type: 'user', timestamp: new Date(at(2)).toISOString(), message: { usage: 'assistant' } })}\n`;
  files.write('a', answer('m1', 1, 100) + answer('m1', 1, 400) + noise + answer('m2', 2, 500));
  const used = createUsageMeter().of(run(0), files.file('a'), null);
  assert.deepEqual(used, { tokens: 2 * 21 + 900, cachedTokens: 6000, costUsd: null });
});

test('a conversation that is resumed is not counted again: each run has what came in its time', () => {
  using files = desk();
  files.write('a', answer('m1', 1, 100) + total(0.5) + answer('m2', 20, 10) + total(0.75));
  const meter = createUsageMeter();
  assert.deepEqual(meter.of(run(0, 10), files.file('a'), null), {
    tokens: 121,
    cachedTokens: 3000,
    costUsd: 0.5,
  });
  assert.deepEqual(meter.of(run(15), files.file('a'), null), {
    tokens: 31,
    cachedTokens: 3000,
    costUsd: 0.25,
  });
});

test('conversations begun by /clear and those of subagents count too, copies of an answer do not', () => {
  using files = desk();
  files.write('a', answer('m1', 1, 100) + total(0.5));
  files.write('b', answer('m1', 1, 100) + answer('m2', 2, 10) + total(0.25));
  files.below('b');
  files.write('b/subagents/agent-x', answer('m3', 3, 1, { isSidechain: true }));
  const used = createUsageMeter().of(run(0), files.file('b'), null);
  assert.deepEqual(used, { tokens: 3 * 21 + 111, cachedTokens: 9000, costUsd: 0.75 });
});

test('a growing file is read on, a half line when it is whole, a replaced file again', () => {
  using files = desk();
  const second = answer('m2', 2, 10);
  files.write('a', answer('m1', 1, 100) + second.slice(0, 30));
  const meter = createUsageMeter();
  const tokens = () => meter.of(run(0), files.file('a'), null)?.tokens;
  assert.equal(tokens(), 121);
  files.append('a', second.slice(30));
  assert.equal(tokens(), 121 + 31);
  files.write('a', answer('m9', 1, 1));
  assert.equal(tokens(), 22, 'shorter');
  files.write('new', [1, 2, 3].map((n) => answer(`n${n}`, n, 2)).join(''));
  renameSync(files.file('new'), files.file('a'));
  assert.equal(tokens(), 69, 'longer');
});

test('dollars that the status line was told count while the conversation goes on', () => {
  using files = desk();
  files.write('a', answer('m1', 1, 1) + total(0.5) + answer('m2', 20, 1));
  const told = { sessionId: 'a', usd: 0.9, atMs: at(21) };
  const usedBy = (from: number, cost: typeof told) =>
    createUsageMeter().of(run(from), files.file('a'), cost)?.costUsd;
  assert.equal(usedBy(15, told), 0.4);
  assert.equal(usedBy(15, { ...told, sessionId: 'other' }), null);
  files.append('a', total(1, { hasUnknownModelCost: true }));
  assert.equal(usedBy(15, { ...told, sessionId: 'other' }), null, 'a sum that lacks a price is none');
});

test('nothing to read is nothing known', () => {
  using files = desk();
  files.write('a', '{"type":"user"}\nno JSON "usage" "assistant"\n');
  assert.equal(createUsageMeter().of(run(0), files.file('a'), null), null);
  assert.equal(createUsageMeter().of(run(0), files.file('missing'), null), null);
});

test('what a status line was told is believed only with the token of the run', () => {
  const text = 'secret\n{"session_id":"a","cost":{"total_cost_usd":0.5}}\n';
  const ours = (token: string) => token === 'secret';
  assert.deepEqual(parseCost(text, 7, ours), { sessionId: 'a', usd: 0.5, atMs: 7 });
  assert.equal(
    parseCost(text, 7, () => false),
    null,
  );
  assert.equal(parseCost('secret\n{"session_id":"a"}\n', 7, ours), null);
  assert.equal(parseCost('secret', 7, ours), null);
  assert.equal(parseCost(null, 7, ours), null);
});
