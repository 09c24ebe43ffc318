/** Keeps our lines in `info/exclude`, between two markers; everything else in the file is the user's and stays as it is. */
import { mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { removeDrafts, replaceFile } from '../files/replace-file.ts';
import { kindAt } from './worktree-link.ts';

const BEGIN = '# >>> orchestrate: ignored while it is in use';
const END = '# <<< orchestrate';

/** The pattern that matches exactly one path of the repository (a link as well as a directory); null when none can. */
export function excludePattern(path: string): string | null {
  if (/[\n\r]/.test(path)) return null;
  return `/${path
    .replace(/\/+$/, '')
    .replace(/[\\*?[]/g, '\\$&')
    .replace(/ $/, '\\ ')}`;
}

/** Adds the lines that are missing. Throws exit 3 when the file cannot be written. */
export function exclude(commonDir: string, patterns: readonly string[]): void {
  edit(commonDir, (ours) => [...new Set([...ours, ...patterns])]);
}

/** Takes lines out; the markers go with the last one. */
export function unexclude(commonDir: string, patterns: readonly string[]): void {
  edit(commonDir, (ours) => ours.filter((line) => !patterns.includes(line)));
}

function edit(commonDir: string, change: (ours: readonly string[]) => readonly string[]): void {
  const file = join(commonDir, 'info', 'exclude');
  try {
    mkdirSync(dirname(file), { recursive: true });
    const before = kindAt(file) === 'missing' ? '' : readFileSync(file, 'utf8');
    const { head, ours, tail } = split(before);
    const lines = change(ours);
    const block = lines.length === 0 ? '' : `${[BEGIN, ...lines, END].join('\n')}\n`;
    const gap = block !== '' && head !== '' && !head.endsWith('\n') ? '\n' : '';
    const after = `${head}${gap}${block}${tail}`;
    if (after !== before) putInPlace(file, after);
  } catch (error) {
    throw new OrchestrateError(
      EXIT.environment,
      `cannot write ${JSON.stringify(file)}: ${messageOf(error)}`,
      'make it writable for this user',
      { cause: error },
    );
  }
}

/** The file in three: before our block, the block's lines, after it. A block without an end goes to the next blank line. */
function split(text: string): { head: string; ours: string[]; tail: string } {
  const lines = text.split('\n');
  const begin = lines.indexOf(BEGIN);
  if (begin < 0) return { head: text, ours: [], tail: '' };
  const end = lines.indexOf(END, begin);
  const blank = lines.indexOf('', begin);
  const stop = end >= 0 ? end : blank >= 0 ? blank : lines.length;
  return {
    head: lines
      .slice(0, begin)
      .map((line) => `${line}\n`)
      .join(''),
    ours: lines.slice(begin + 1, stop),
    tail: lines.slice(end >= 0 ? stop + 1 : stop).join('\n'),
  };
}

/** Puts the whole new text in place at once, keeping mode and, where the file is a link, the link. */
function putInPlace(file: string, text: string): void {
  const exists = kindAt(file) !== 'missing';
  const target = exists ? realpathSync(file) : file;
  const mode = exists ? statSync(target).mode & 0o777 : 0o644;
  replaceFile(target, text, mode);
  removeDrafts(dirname(target), basename(target));
}
