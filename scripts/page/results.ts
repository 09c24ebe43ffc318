/** Puts the results of a run into a page of the documentation, between the two lines that mark their place. */
import { readFileSync, writeFileSync } from 'node:fs';

const BEGIN = '<!-- results: written by a run, not by hand -->';
const END = '<!-- end of results -->';

/** What stands between the marks of the page at `path`; throws when there are none. */
export function resultsIn(path: string): string {
  return parts(path).results;
}

/** Replaces it. */
export function putResults(path: string, text: string): void {
  const { before, after } = parts(path);
  writeFileSync(path, `${before}${BEGIN}\n\n${text}\n\n${END}${after}`);
}

function parts(path: string) {
  const page = readFileSync(path, 'utf8');
  const [before, rest] = page.split(BEGIN);
  const [results, after] = rest?.split(END) ?? [];
  if (before === undefined || results === undefined || after === undefined)
    throw new Error(`${path} has no place for results: ${BEGIN}`);
  return { before, results: results.trim(), after };
}
