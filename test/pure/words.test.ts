/** What commands say of what they did, in the words of whoever reads it for the first time at night. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { retriedText } from '../../src/commands/retry.ts';
import { COMMANDS } from '../../src/commands/table.ts';
import { detachedText } from '../../src/poller/foreground.ts';

test('who leaves start is told what goes on and what does not', () => {
  const rest = 'new starts or is verified until: orchestrate start';
  assert.equal(detachedText(1), `Detached. 1 agent keeps working, but nothing ${rest}`);
  assert.equal(detachedText(3), `Detached. 3 agents keep working, but nothing ${rest}`);
  assert.equal(detachedText(0), `Detached. No agent is at work, and nothing ${rest}`);
  assert.equal(detachedText(null), `Detached. Agents keep working, but nothing ${rest}`);
});

test('retry says what really happened', () => {
  const retried = { state: 'failed', endedRun: null, livingRun: null, pollerAlive: true } as const;
  for (const [done, expected] of [
    [
      { ...retried, state: 'running', livingRun: 2 },
      'Stream-E is running: nothing to retry (--fresh restarts it)',
    ],
    [retried, 'Stream-E will be tried again; it starts as soon as it can'],
    [{ ...retried, pollerAlive: false }, 'Stream-E will be tried again; start it with: orchestrate start'],
    [{ ...retried, endedRun: 2 }, 'Ended run 2 of Stream-E; it starts as soon as it can'],
    [
      { ...retried, state: 'waiting' },
      'Stream-E waits for others: nothing to retry (orchestrate status shows for which)',
    ],
    [{ ...retried, state: 'verifying' }, 'Stream-E is verifying: nothing to retry'],
  ] as const)
    assert.equal(retriedText('Stream-E', done), expected);
});

test('help names no worker, no poller and no person', () => {
  for (const { name, summary, options } of COMMANDS.filter(({ hidden }) => hidden !== true)) {
    const texts = [summary, ...options.map(({ description }) => description)];
    for (const text of texts) assert.doesNotMatch(text, /\b(workers?|pollers?|persons?)\b/i, name);
  }
});

test('what orchestrate offers exists', () => {
  const known = new Set(COMMANDS.map(({ name }) => name.split(' ')[0]));
  const directory = fileURLToPath(new URL('../../src', import.meta.url));
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  for (const file of files) {
    const text = readFileSync(join(directory, file), 'utf8');
    for (const [, verb = ''] of text.matchAll(/'orchestrate ([a-z]+)[ ']/g))
      assert.ok(
        known.has(verb) || ['is', 'was', 'started', 'has', 'ended', 'did'].includes(verb),
        `${file} offers "orchestrate ${verb}"`,
      );
  }
});

test('what is offered to be typed has no gap to be filled in', () => {
  for (const [file, literal] of sourceTexts())
    if (/^orchestrate [a-z]/.test(literal))
      assert.doesNotMatch(
        literal,
        /(?<![-\w])[A-Z]{2,}(?![-\w])|(?<![-\w])[A-Z](?![-\w])/,
        `${file}: ${literal}`,
      );
});

/** The texts in quotes of every source file but the table of commands, which says what each takes. */
function sourceTexts(): (readonly [file: string, literal: string])[] {
  const directory = fileURLToPath(new URL('../../src', import.meta.url));
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('commands/table'))
    .flatMap((file) =>
      [...readFileSync(join(directory, file), 'utf8').matchAll(/^(?!\s*(?:\/?\*|\/\/)).*$/gm)].flatMap(
        ([line]) =>
          [...line.matchAll(/'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)].map(
            ([, quoted, template]) =>
              [file, quoted ?? (template ?? '').replace(/\$\{[^}]*\}/g, '…')] as const,
          ),
      ),
    );
}
