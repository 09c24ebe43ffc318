/** Checks what the linter doesn't: opening sentences, file sizes, empty catches, left-over notes, names that say nothing or two things. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { STREAM_STATES, traitsOf } from '../src/core/states.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const MAX_LINES = 300;
const MAX_FUNCTION_LINES = 50;
const problems: string[] = [];

type SourceFile = { readonly name: string; readonly text: string; readonly lines: number };

function filesBelow(directory: string, ending: RegExp): SourceFile[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => ending.test(name))
    .map((name) => {
      const text = readFileSync(join(root, directory, name), 'utf8');
      return { name: join(directory, name), text, lines: text.split('\n').length - 1 };
    });
}

/** Rules for a text of ours: what it must not contain, and why. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/\b(?:TODO|FIXME|XXX|HACK)\b/, 'a left-over note'],
  [/\b(?:issue|ticket) #?\d+/i, 'the number of an issue'],
  [/\b[A-Z]\w*(?:Manager|Helper|Utils?)\b/, 'a name that says nothing'],
  [/\b(?:anew|can not|per cent|works off)\b/i, 'what nobody says (any more)'],
  [/catch\s*(?:\([^)]*\)\s*)?\{(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*\}/, 'a catch that swallows'],
];

function checkText({ name, text }: SourceFile): void {
  for (const [pattern, what] of REFUSED) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const line = text.slice(0, match.index).split('\n').length;
    problems.push(`${name}:${line}: ${what}: ${match[0].split('\n')[0]}`);
  }
}

/** How a deadline looks that is reckoned by a clock that anybody may set: it would be waited for as long as the clock was set back. */
const WALL_DEADLINE = /(?<!performance\.)\bnow\(\) \+ /;

function checkDeadlines({ name, text }: SourceFile): void {
  const line = text.split('\n').findIndex((each) => WALL_DEADLINE.test(each)) + 1;
  if (line > 0) problems.push(`${name}:${line}: a deadline by the wall clock: take performance.now()`);
}

function checkOpening({ name, text }: SourceFile): void {
  if (!/^(?:#![^\n]*\n)?\/\*\*[\s\S]*?\p{L}[\s\S]*?\.\s*\*\//u.test(text)) {
    problems.push(`${name}:1: doesn't open with a /** sentence. */`);
  }
}

/** Where what a state means is said, once. */
const STATES_FILE = join('src', 'core', 'states.ts');
const NAME = `'(?:${STREAM_STATES.join('|')})'`;

/** How a set, a table or a chain of states looks in code. */
const SETS_OF_STATES: readonly RegExp[] = [
  /Set<StateName\b|Record<StateName\b|\[\w+ in StateName\]/,
  new RegExp(`\\[\\s*${NAME}(?:\\s*,\\s*${NAME})+\\s*,?\\s*\\]`),
  new RegExp(`\\b[sS]tate [!=]== ${NAME}\\s*(?:\\|\\||&&)\\s*\\S*\\b[sS]tate [!=]== ${NAME}`),
  new RegExp(`case ${NAME}:\\s*case ${NAME}:`),
];

/** What several states have in common is a trait of the states, not a set in the file that needs it. */
function checkSetsOfStates({ name, text }: SourceFile): void {
  if (name === STATES_FILE) return;
  for (const pattern of SETS_OF_STATES) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const line = text.slice(0, match.index).split('\n').length;
    problems.push(`${name}:${line}: a set of states outside ${STATES_FILE}: ${match[0].split('\n')[0]}`);
  }
}

function checkSizes(files: readonly SourceFile[]): void {
  for (const { name, lines } of files) {
    if (lines > MAX_LINES) problems.push(`${name}: ${lines} lines, more than ${MAX_LINES}`);
  }
}

/** The linter leaves out a function's head and what is only a comment; here every line counts. */
function checkFunctions({ name, text }: SourceFile): void {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const lineAt = (position: number): number => source.getLineAndCharacterOfPosition(position).line + 1;
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const lines = lineAt(node.end) - lineAt(node.getStart()) + 1;
      if (lines > MAX_FUNCTION_LINES)
        problems.push(
          `${name}:${lineAt(node.getStart())}: a function of ${lines} lines, more than ${MAX_FUNCTION_LINES}`,
        );
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

function checkTemplates(): void {
  for (const name of readdirSync(join(root, 'templates'), { recursive: true, encoding: 'utf8' })) {
    if (/\.(?:m?[jt]s|py|sh)$/.test(name)) problems.push(`templates/${name}: templates hold no code`);
  }
}

/** Links to files of the repository must lead somewhere. */
function checkLinks({ name, text }: SourceFile): void {
  for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
    try {
      readFileSync(join(root, name, '..', target));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EISDIR') continue;
      problems.push(`${name}: link to ${target}, which isn't there`);
    }
  }
}

/** Places of the source that a text names must be there. */
function checkPaths({ name, text }: SourceFile): void {
  for (const [, place = ''] of text.matchAll(/`((?:src|test|scripts)\/[\w./-]*)`/g)) {
    if (!existsSync(join(root, place))) problems.push(`${name}: names ${place}, which isn't there`);
  }
}

const ARCHITECTURE = join('docs', 'architecture.md');

/** The page on the architecture has the table of states as the code has it. */
function checkStateTable(): void {
  const lines = readFileSync(join(root, ARCHITECTURE), 'utf8').split('\n');
  for (const name of STREAM_STATES) {
    const { meaning, phase } = traitsOf(name);
    const row = `| \`${name}\` | ${meaning} | ${phase} |`;
    if (!lines.includes(row)) problems.push(`${ARCHITECTURE}: its table of states lacks ${row}`);
  }
}

/** The page on the architecture must lead to every part of the source. */
function checkParts(): void {
  const page = readFileSync(join(root, ARCHITECTURE), 'utf8');
  for (const part of readdirSync(join(root, 'src'), { withFileTypes: true }))
    if (part.isDirectory() && !new RegExp(`\\b${part.name}/`).test(page))
      problems.push(`${ARCHITECTURE}: doesn't name src/${part.name}/`);
}

/** A type that two files export under one name has two meanings, or should be one. */
function checkTypeNames(files: readonly SourceFile[]): void {
  const places = new Map<string, string>();
  for (const { name, text } of files) {
    for (const statement of ts.createSourceFile(name, text, ts.ScriptTarget.Latest).statements) {
      if (!ts.isTypeAliasDeclaration(statement) || statement.modifiers === undefined) continue;
      const other = places.get(statement.name.text);
      if (other !== undefined) problems.push(`${name}: exports ${statement.name.text}, as ${other} does`);
      places.set(statement.name.text, name);
    }
  }
}

/** Several test files run in one process, where a hook at the top of one would be a hook of them all. */
function checkHooks({ name, text }: SourceFile): void {
  const line = text.split('\n').findIndex((it) => /^(?:before|after)(?:Each)?\(/.test(it)) + 1;
  if (line > 0)
    problems.push(`${name}:${line}: a hook of the whole file: put it and its tests into a describe`);
}

/** Programs get lists of arguments: no text of ours is ever read by a shell, but the user's own commands and fixed scripts. */
function checkShells({ name, text }: SourceFile): void {
  const shell =
    /\bshell:\s*(?!false)\w|\bexecSync\b|import \{[^}]*\bexec\b[^}]*\} from 'node:child_process'/.exec(text);
  if (shell !== null) problems.push(`${name}: a text for a shell: ${shell[0]}`);
}

/** A link to the packages of another checkout, once committed, takes the place of everybody's own packages. */
function checkTracked(): void {
  const places = ['node_modules', '.cache', 'dist'];
  // Nothing of git is there in an unpacked archive, nor then anything that could be committed.
  if (!existsSync(join(root, '.git'))) return;
  const tracked = execFileSync('git', ['ls-files', '--', ...places], { cwd: root, encoding: 'utf8' });
  for (const name of tracked.split('\n').filter((line) => line !== ''))
    problems.push(`${name}: is committed: git rm --cached ${name}`);
}

const sources = filesBelow('src', /\.ts$/);
const others = [...filesBelow('scripts', /\.ts$/), ...filesBelow('test', /\.ts$/)];
const own = basename(fileURLToPath(import.meta.url));
for (const file of [...sources, ...others]) {
  checkOpening(file);
  if (basename(file.name) !== own) checkText(file);
}
for (const file of sources) {
  checkSetsOfStates(file);
  checkShells(file);
  checkDeadlines(file);
}
for (const file of [...sources, ...filesBelow('scripts', /\.ts$/)]) checkFunctions(file);
for (const file of filesBelow('test', /\.test\.ts$/)) checkHooks(file);
checkSizes(sources);
checkTypeNames(sources);
checkParts();
checkStateTable();
checkTemplates();
const texts = ['.', 'docs', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);
for (const name of texts) {
  const file = { name, text: readFileSync(join(root, name), 'utf8'), lines: 0 };
  checkLinks(file);
  checkPaths(file);
}

checkTracked();

for (const problem of problems) console.error(problem);
console.error(`source: ${sources.length} files, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
