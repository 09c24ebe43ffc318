/**
 * The spec reporter, with a line per skipped test and its reason just before the summary: a run says what it did not look
 * at. JavaScript, since Node loads a reporter before anything that reads TypeScript.
 */
import { relative } from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';
import { spec } from 'node:test/reporters';

/** Whether an event is the first line of Node's summary. */
function beginsSummary({ type, data }) {
  return type === 'test:diagnostic' && data.nesting === 0 && /^tests \d+$/.test(data.message);
}

function isSkipped({ type, data }) {
  return type === 'test:pass' && data.skip !== undefined && data.skip !== false;
}

function skipText({ name, file, skip }) {
  const where = file === undefined ? '' : `${relative(process.cwd(), file)}: `;
  return `not run: ${where}${name} (${skip === true || skip === '' ? 'no reason given' : skip})`;
}

async function* withSkips(events) {
  const skipped = [];
  for await (const event of events) {
    if (isSkipped(event)) skipped.push(skipText(event.data));
    if (beginsSummary(event))
      for (const message of skipped.splice(0))
        yield { type: 'test:diagnostic', data: { nesting: 0, message } };
    yield event;
  }
}

/** A custom reporter of Node's test runner: what it yields is printed. */
// biome-ignore lint/style/noDefaultExport: the test runner takes the default one.
export default async function* report(events) {
  yield* Readable.from(withSkips(events)).pipe(new spec());
}
