/** What commands say of what they did, in the words of whoever reads it for the first time at night. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { retriedText } from '../../src/commands/retry.ts';
import { COMMANDS } from '../../src/commands/table.ts';
import { isCommand } from '../../src/core/shell-word.ts';
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
  const retried = {
    state: 'failed',
    isTried: true,
    endedRun: null,
    livingRun: null,
    pollerAlive: true,
  } as const;
  const left = { ...retried, isTried: false } as const;
  for (const [done, expected] of [
    [
      { ...left, state: 'running', livingRun: 2 },
      'Stream-E is running: nothing to retry (--fresh restarts it)',
    ],
    [retried, 'Stream-E will be tried again; it starts as soon as it can'],
    [{ ...retried, pollerAlive: false }, 'Stream-E will be tried again; start it with: orchestrate start'],
    [{ ...retried, endedRun: 2 }, 'Ended run 2 of Stream-E; it starts as soon as it can'],
    [
      { ...left, state: 'waiting' },
      'Stream-E waits for others: nothing to retry (orchestrate status shows for which)',
    ],
    [{ ...left, state: 'verifying' }, 'Stream-E is verifying: nothing to retry'],
  ] as const)
    assert.equal(retriedText('Stream-E', done), expected);
});

/** Words that only the code has: to its users there are agents, orchestrate, and they themselves. */
const INNER = /(?<![-\w.{])(?:workers?|pollers?|persons?|operators?)(?![-\w])/i;

test('help, guide, README and the settings name no worker, no poller, no person and no operator', () => {
  for (const { name, summary, options } of COMMANDS.filter(({ hidden }) => hidden !== true))
    for (const text of [summary, ...options.map(({ description }) => description)])
      assert.doesNotMatch(text, INNER, name);
  const templates = ['ORCHESTRATION_GUIDE.md', 'config.schema.json', 'commands/orchestrate.md'];
  const prompts = ['worker-prompt.md', 'generate-prompt.md', 'generate-retry.md', 'agents/ta.md'];
  const shipped = [...templates, ...prompts].map((file) => `templates/${file}`);
  for (const file of ['README.md', 'CHANGELOG.md', ...shipped])
    for (const line of readFileSync(join(ROOT, file), 'utf8').split('\n'))
      assert.doesNotMatch(line, INNER, `${file}: ${line}`);
});

/** Texts that are no sentence to a user: the reason that screens leave out, SQL, names of variables and the notes in scripts. */
const NO_SENTENCE = /^(?:SELECT|DELETE|UPDATE|INSERT|CREATE)\b|^# |^the poller: $|^worker facts$/;

test('nor does anything that is said', () => {
  for (const [file, literal] of sourceTexts()) {
    if (/ [a-z]/.test(literal) && !NO_SENTENCE.test(literal) && !file.startsWith('cli/'))
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

test('what is to be typed is a command to the letter, and other advice holds none', () => {
  const texts = adviceTexts();
  assert.ok(texts.length > 150, `only ${texts.length} texts were found`);
  assert.deepEqual(
    texts.filter(([, text]) => !(isCommand(text) ? isTyped(text) : isProse(text))),
    [],
  );
});

/** Every part is a command, and nothing but a command: no explanation, no gap to be filled in, no choice. */
function isTyped(text: string): boolean {
  const bare = text.replace(/"[^"]*"|'[^']*'/g, 'x');
  const parts = bare.split(' && ');
  return parts.every((part) => isCommand(part) || part === '…') && !/,|;|\(|<|\||: |\b[A-Z]{2,}\b/.test(bare);
}

/** It stands behind the word `fix:`, and does not say that again. */
function isProse(text: string): boolean {
  const command =
    /(?:^|[\s`(])(?:orchestrate|git|claude|codex|opencode|npm|ulimit|chmod|cd|mv|rm|kill|tmux) [-a-z]/;
  return !command.test(text) && !/^-|^fix\b|`/.test(text);
}

const ADVICE = /^(?:fix|remedy|missingFix|[A-Z_]*FIX(?:ES)?|RUN_ONCE)$/;

/** Every text that may become an error's fix or a state's remedy, with its place; what is filled in reads `…`. */
function adviceTexts(): (readonly [place: string, text: string])[] {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => [file, parsed(join(ROOT, 'src', file))] as const);
  const taking = new Map<string, Set<number>>([['thenTry', new Set([1, 2])]]);
  const constants = new Map<string, ts.Expression>();
  for (const [, source] of files)
    walk(source, (node) => {
      for (const name of namesOf(node))
        taking.set(name, new Set([...(taking.get(name) ?? []), ...taken(node)]));
      if (
        ts.isVariableDeclaration(node) &&
        node.initializer !== undefined &&
        /^[A-Z_]+$/.test(node.name.getText())
      )
        constants.set(node.name.getText(), node.initializer);
    });
  return files.flatMap(([file, source]) => {
    const found: (readonly [string, string])[] = [];
    const place = (node: ts.Node) =>
      `${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
    walk(source, (node) => {
      for (const each of advised(node, taking))
        for (const text of leaves(each, constants)) found.push([place(each), text]);
    });
    return found;
  });
}

function parsed(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** The names by which a function, or a class with a constructor of its own, is called. */
function namesOf(node: ts.Node): string[] {
  if (ts.isFunctionDeclaration(node)) return [node.name?.text ?? ''];
  if (ts.isConstructorDeclaration(node)) return [node.parent.name?.text ?? ''];
  if (ts.isClassDeclaration(node)) return [node.name?.text ?? ''];
  return ts.isArrowFunction(node) && ts.isVariableDeclaration(node.parent)
    ? [node.parent.name.getText()]
    : [];
}

/** Which of its parameters are advice; an error without a constructor of its own takes what its parent takes. */
function taken(node: ts.Node): number[] {
  if (ts.isClassDeclaration(node)) {
    const own = node.members.some(ts.isConstructorDeclaration);
    const isError =
      node.heritageClauses?.some((clause) => /\bOrchestrateError\b/.test(clause.getText())) === true;
    return isError && !own ? [2] : [];
  }
  if (!ts.isFunctionLike(node)) return [];
  return node.parameters.flatMap(({ name }, at) => (ADVICE.test(name.getText()) ? [at] : []));
}

/** The expressions that give advice here: arguments, properties and constants. */
function advised(node: ts.Node, taking: ReadonlyMap<string, ReadonlySet<number>>): ts.Expression[] {
  if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
    const at = taking.get(node.expression.getText());
    return [...(node.arguments ?? [])].filter((_, index) => at?.has(index) === true);
  }
  const named = ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node) || ts.isParameter(node);
  if (!named || node.initializer === undefined || !ADVICE.test(node.name.getText())) return [];
  return [node.initializer];
}

/** The texts that an expression may come to, as far as they stand in it: what a call gives does not. */
function leaves(node: ts.Node, constants: ReadonlyMap<string, ts.Expression>): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isTemplateExpression(node))
    return [node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('')];
  if (ts.isIdentifier(node)) {
    const constant = constants.get(node.text);
    return constant === undefined ? [] : leaves(constant, constants);
  }
  return inside(node).flatMap((each) => leaves(each, constants));
}

/** The parts of an expression that may be what it comes to. */
function inside(node: ts.Node): readonly ts.Node[] {
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse];
  if (ts.isBinaryExpression(node)) return [node.left, node.right];
  if (ts.isParenthesizedExpression(node)) return [node.expression];
  if (!ts.isObjectLiteralExpression(node)) return [];
  return node.properties.flatMap((each) => (ts.isPropertyAssignment(each) ? [each.initializer] : []));
}

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
