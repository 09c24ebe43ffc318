/** What commands say of what they did, in the words of whoever reads it for the first time at night. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { retriedText } from '../../src/commands/retry.ts';
import { COMMANDS } from '../../src/commands/table.ts';
import { STREAM_STATES, traitsOf } from '../../src/core/states.ts';
import { detachedText } from '../../src/poller/foreground.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

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

/** Words that only the code has: to its users there are agents, orchestrate, and they themselves. */
const INNER = /(?<![-\w.{])(?:workers?|pollers?|persons?|operators?)(?![-\w])/i;

test('help, guide, README and the settings name no worker, no poller, no person and no operator', () => {
  for (const { name, summary, options } of COMMANDS.filter(({ hidden }) => hidden !== true))
    for (const text of [summary, ...options.map(({ description }) => description)])
      assert.doesNotMatch(text, INNER, name);
  const files = [
    'README.md',
    'CHANGELOG.md',
    ...['ORCHESTRATION_GUIDE.md', 'config.schema.json'].map((file) => `templates/${file}`),
  ];
  for (const file of [...files, 'templates/commands/orchestrate.md'])
    for (const line of readFileSync(join(ROOT, file), 'utf8').split('\n'))
      assert.doesNotMatch(line, INNER, `${file}: ${line}`);
});

/** Texts that are no sentence to a user: the reason that screens leave out, SQL, names of variables and the notes in scripts. */
const NO_SENTENCE =
  /^no poller|; no poller|^(?:SELECT|DELETE|UPDATE|INSERT|CREATE)\b|^# |^the poller: $|^worker facts$/;

test('nor does anything that is said', () => {
  for (const [file, literal] of sourceTexts()) {
    if (/ [a-z]/.test(literal) && !NO_SENTENCE.test(literal) && !/^(?:agent\/prompt|cli\/)/.test(file))
      assert.doesNotMatch(literal, INNER, `${file}: ${literal}`);
  }
  for (const name of STREAM_STATES) assert.doesNotMatch(traitsOf(name).meaning, INNER, name);
});

test('the guide is whole: no stray space, no empty lines in a row, and its contents name every part', () => {
  const guide = readFileSync(join(ROOT, 'templates/ORCHESTRATION_GUIDE.md'), 'utf8');
  assert.doesNotMatch(guide, / +$/m);
  assert.doesNotMatch(guide, /\n\n\n/);
  assert.doesNotMatch(guide, /^\d\. .*\n\n\d\. /m, 'no gap in a list');
  const contents = guide.split('## Contents')[1]?.split('\n## ')[0] ?? '';
  for (const [, title = ''] of guide.matchAll(/^## (.*)$/gm))
    if (title !== 'Contents') assert.ok(contents.includes(`[${title}](#`), `the contents lack ${title}`);
});

test('what orchestrate offers exists', () => {
  const known = new Set(COMMANDS.map(({ name }) => name.split(' ')[0]));
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((each) => each.endsWith('.ts'))) {
    const text = readFileSync(join(ROOT, 'src', file), 'utf8');
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

test('a command that is offered is the whole of what is offered, or the end of it', () => {
  const command = /^(?:orchestrate|git|claude|codex|npm|chmod) [a-z-]/;
  const sentence =
    /^(?:orchestrate|git) (?:(?:is|was|changes|steers|settings|refuses|could|cannot|knows|event)\b|clean \(pid)/;
  for (const [file, literal] of sourceTexts())
    if (command.test(literal) && !sentence.test(literal))
      assert.doesNotMatch(
        literal,
        /, (?:then|or|answer|on)\b(?!: )| \(|; (?!.*: (?:orchestrate|git|…))/,
        `${file}: ${literal}`,
      );
});

/** The texts in quotes of every source file but the table of commands, which says what each takes. */
function sourceTexts(): (readonly [file: string, literal: string])[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('commands/table'))
    .flatMap((file) =>
      [...readFileSync(join(ROOT, 'src', file), 'utf8').matchAll(/^(?!\s*(?:\/?\*|\/\/)).*$/gm)].flatMap(
        ([line]) =>
          [...line.matchAll(/'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)].map(
            ([, quoted, template]) =>
              [file, quoted ?? (template ?? '').replace(/\$\{[^}]*\}/g, '…')] as const,
          ),
      ),
    );
}
