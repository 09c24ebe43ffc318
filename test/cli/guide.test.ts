/** The guide that init puts into a project names every command, option and configuration key there is, and no other. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DEFAULT_CONFIG } from '../../src/app/config/load.ts';
import { templatePath } from '../../src/app/package-root.ts';
import { COMMANDS } from '../../src/commands/table.ts';
import { EXIT } from '../../src/core/errors.ts';
import { STREAM_STATES } from '../../src/core/states.ts';
import { parsePlanFile } from '../../src/plan-file/parse.ts';

const guide = readFileSync(templatePath('ORCHESTRATION_GUIDE.md'), 'utf8');

/** The rows of a section's first table: what its cells say. */
function rows(title: string): string[][] {
  const section = guide.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
  const table = section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2);
  return table.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);

test('the plan that it shows can be imported', () => {
  const [, plan = ''] = /^```yaml\n([\s\S]*?)^```$/m.exec(guide) ?? [];
  const read = parsePlanFile(plan);
  assert.ok(read.ok, JSON.stringify(read));
  assert.ok(read.plan.tasks.length > 0);
});

test('every command has its row, and every option a row names is one of its command', () => {
  const told = rows('Commands').flatMap(([names = '', does = '']) =>
    quoted(names).map((usage) => ({ usage, does })),
  );
  for (const { name, options } of COMMANDS.filter(({ hidden }) => hidden !== true)) {
    const row = told.find(({ usage }) => usage === name || usage.startsWith(`${name} `));
    assert.ok(row, `the guide doesn't tell of ${name}`);
    const known = [
      'json',
      ...options.map((option) => option.name),
      ...options.map(({ short }) => short ?? ''),
    ];
    const group = COMMANDS.filter((other) => other.name.split(' ')[0] === name.split(' ')[0]);
    const inGroup = new Set([
      ...known,
      ...group.flatMap((other) => other.options.map((option) => option.name)),
    ]);
    for (const word of quoted(row.does).filter((text) => /^-+\w/.test(text))) {
      assert.ok(inGroup.has(word.replace(/^-+/, '').split(' ')[0] ?? ''), `${name} has no ${word}`);
    }
  }
  for (const { usage } of told) {
    const isKnown = COMMANDS.some(({ name }) => usage === name || usage.startsWith(`${name} `));
    assert.ok(isKnown || ['zsh', 'fish'].includes(usage), `there is no ${usage}`);
  }
});

test('every key of the configuration is explained with its default', () => {
  const told = new Map(
    rows('Configuration').flatMap(([keys = '', value = '']) => quoted(keys).map((key) => [key, value])),
  );
  const leaves = (value: object, prefix: string): string[] =>
    Object.entries(value).flatMap(([key, inner]) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? leaves(inner, `${prefix}${key}.`)
        : [`${prefix}${key}`],
    );
  const keys = leaves(DEFAULT_CONFIG, '');
  assert.deepEqual(
    [...told.keys()].filter((key) => !keys.includes(key)),
    [],
  );
  assert.deepEqual(
    keys.filter((key) => !told.has(key)),
    [],
  );
});

test('its links lead to headings, and what it says to type exists', () => {
  const anchors = [...guide.matchAll(/^## (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const [, anchor = ''] of guide.matchAll(/\]\(#([^)]+)\)/g))
    assert.ok(anchors.includes(anchor), anchor);
  for (const [, line = ''] of guide.matchAll(/`orchestrate ([^`]+)`/g)) {
    assert.ok(
      COMMANDS.some(({ name }) => line === name || line.startsWith(`${name} `)),
      line,
    );
  }
});

test('every state is explained, and no other', () => {
  const told = rows('States').flatMap(([names = '']) => quoted(names));
  assert.deepEqual([...told].sort(), [...STREAM_STATES].sort());
});

test('every exit code that a user meets is explained', () => {
  const told = rows('Commands').flatMap(([code = '']) => (/^\d$/.test(code) ? [Number(code)] : []));
  const codes = Object.values(EXIT).filter((code) => code !== EXIT.lostClaim);
  assert.deepEqual(told, codes);
});
