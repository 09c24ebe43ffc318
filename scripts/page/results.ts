/** Puts the results of a run into a page of the documentation, between the two lines that mark their place. */
import { readFileSync, writeFileSync } from 'node:fs';

const BEGIN = '<!-- results: written by a run, not by hand -->';
const END = '<!-- end of results -->';

/** What stands between the marks of the page at `path`; throws when there are none. */
export function resultsIn(path: string): string {
  const between = readFileSync(path, 'utf8').split(BEGIN)[1]?.split(END)[0];
  if (between === undefined) throw new Error(`${path} has no place for results: ${BEGIN}`);
  return between;
}

/** Replaces what stands between the marks of the page at `path`; throws when there are none. */
export function putResults(path: string, text: string): void {
  const page = readFileSync(path, 'utf8');
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`${path} has no place for results: ${BEGIN}`);
  writeFileSync(path, `${before}${BEGIN}\n\n${text}\n\n${END}${after}`);
}
