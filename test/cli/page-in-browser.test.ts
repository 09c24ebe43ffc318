/** `status --html FILE`: the page in a real browser, what is rewritten when, and what is never written over. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type BrowserPage, installedBrowser, openBrowser } from '../support/browser.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';
import { inTime, until } from '../support/wait.ts';

const EVIL = `</script><img src=x onerror="window.hurt=1"> $(touch hurt) 'a"`;
const PLAN = {
  initiative: { id: 'i1', title: 'Unit <i>converter</i>' },
  streams: [
    { id: 'Stream-A', name: 'Foundation', tasks: [{ title: 'Add the registry' }, { title: 'Test it' }] },
    ...['B', 'C', 'D', 'E'].map((letter) => ({
      id: `Stream-${letter}`,
      name: `A part with a rather long name, number ${letter}`,
      dependencies: ['Stream-A'],
      tasks: [
        { title: `Write ${letter}, with_a_word_that_is_much_longer_than_any_phone_is_wide_and_has_no_space` },
      ],
    })),
    { id: EVIL, name: EVIL, dependencies: ['Stream-A'], tasks: [{ title: EVIL }] },
    { id: 'Stream-Z', name: 'Integration', dependencies: ['Stream-B', EVIL], tasks: [{ title: 'Join' }] },
  ],
};
const BROWSER = installedBrowser();
const LOOKS = [
  { width: 360, height: 740, dark: true },
  { width: 360, height: 740, dark: false },
  { width: 1280, height: 800, dark: true },
  { width: 1280, height: 800, dark: false },
];

async function createProject(): Promise<CliRig> {
  const rig = await createCliRig();
  assert.equal((await rig.run(['import', '-'], { input: JSON.stringify(PLAN) })).code, 0);
  return rig;
}

/** How bright a colour of the page is, from 0 to 255. */
const brightness = (colour: string): number =>
  (colour.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part) / 3, 0);

async function checkLook(page: BrowserPage, look: (typeof LOOKS)[number]): Promise<void> {
  const name = JSON.stringify(look);
  assert.deepEqual(page.complaints(), [], name);
  await page.value("(document.querySelectorAll('details').forEach((each) => { each.open = true; }), 0)");
  assert.deepEqual(
    await page.value(`({
      wide: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth),
      scripts: document.scripts.length, images: document.images.length, hurt: window.hurt ?? null,
      title: document.querySelector('h1').textContent,
      rows: document.querySelectorAll('details.stream').length,
      beyond: [...document.querySelectorAll('main *:not(svg *)')].filter((each) => each.checkVisibility()
        && !each.closest('.graph > *') && each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML.slice(0, 99)),
    })`),
    {
      wide: look.width,
      scripts: 1,
      images: 0,
      hurt: null,
      title: 'Unit <i>converter</i>',
      rows: 7,
      beyond: [],
    },
    name,
  );
  const boxes = await page.value<{ text: string; cut: boolean; wide: number }[]>(
    `[...document.querySelectorAll('.box')].map((box) => {
      const state = [...box.querySelectorAll('.state span')].find((each) => each.checkVisibility());
      return { text: state.textContent, cut: state.parentElement.scrollWidth > state.parentElement.clientWidth,
        wide: box.getBoundingClientRect().width };
    })`,
  );
  assert.deepEqual(
    boxes.map(({ text, cut }) => ({ text, cut })),
    ['ready', ...Array.from({ length: 6 }, () => 'waiting')].map((text) => ({ text, cut: false })),
    name,
  );
  assert.ok(
    boxes.every(({ wide }) => wide > 70),
    name,
  );
  const [text = '', back = ''] = await page.value<string[]>(
    '[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]',
  );
  const contrast = brightness(text) - brightness(back);
  assert.ok(look.dark ? contrast > 150 : contrast < -150, `${name}: ${text} on ${back}`);
}

describe('the page in a browser', () => {
  const skip = BROWSER === null ? 'Chromium is not installed' : false;

  test('fits phone and desktop, dark and light, is filtered, and nothing hostile acts in it', {
    skip,
  }, async () => {
    await using rig = await createProject();
    const written = await rig.run(['status', '--html', 'plan.html']);
    assert.deepEqual([written.code, written.stderr], [0, '']);
    const address = pathToFileURL(join(rig.root, 'plan.html')).href;
    assert.equal(written.stdout, `Wrote plan.html: open ${address}\n`);
    await using browser = await openBrowser(BROWSER ?? '');
    for (const look of LOOKS) await checkLook(await browser.open(address, look), look);
    const page = await browser.open(address, { width: 800, height: 600, dark: false });
    const shown = () =>
      page.value<string[]>(
        "[...document.querySelectorAll('details.stream')].filter((row) => row.checkVisibility()).map((row) => row.querySelector('b').textContent)",
      );
    await page.value("(filter.value = 'integr', filter.dispatchEvent(new Event('input')), 0)");
    assert.deepEqual(await shown(), ['Stream-Z']);
    await page.value("(document.querySelector('.chip[data-state=ready]').click(), 0)");
    assert.deepEqual(await shown(), ['Stream-A']);
    // A stream of the drawing leads to its row, also where the filter had hidden it, and opens it.
    await page.value(`(document.querySelector('.box[title^="Stream-Z"]').click(), 0)`);
    await until('the row is open', () =>
      page.value(
        `[...document.querySelectorAll('details.stream')].find((row) => row.textContent.includes('Join')).open`,
      ),
    );
    assert.equal((await shown()).length, 7);
    // Its clock goes on where nobody writes it: then it says so.
    assert.equal(await page.value('old.checkVisibility()'), false);
    await page.value('(Date.now = ((now) => () => now() + 3600e3)(Date.now), 0)');
    await until('it says that it is old', () => page.value('old.checkVisibility()'));
    assert.match(
      await page.value('old.innerText'),
      /written 60 minutes ago[\s\S]*orchestrate status --html plan\.html/,
    );
  });

  test('is rewritten at a change, loads itself in the same place, and at the end no more', {
    skip,
  }, async () => {
    await using rig = await createProject();
    const file = join(rig.root, 'plan.html');
    const watching = rig.start(['status', '--html', 'plan.html', '--watch', '1']);
    await until('the page is there', () => existsSync(file));
    await using browser = await openBrowser(BROWSER ?? '');
    const page = await browser.open(pathToFileURL(file).href, { width: 390, height: 500, dark: true });
    const row = `[...document.querySelectorAll('details.stream')].find((each) => each.querySelector('b')?.textContent === 'Stream-E')`;
    const place = `Math.round(${row}?.getBoundingClientRect().top)`;
    // At once: it loads itself again and again. Each loading has another origin of its time.
    const before = await until('the row is looked at', () =>
      page.value<{ place: number; loading: number; y: number } | null>(
        `document.readyState !== 'complete' ? null
          : (${row}.open = true, ${row}.scrollIntoView({ block: 'start', behavior: 'instant' }),
            { place: ${place}, loading: performance.timeOrigin, y: scrollY })`,
      ),
    );
    assert.ok(before.y > 300);
    const tasks = JSON.parse((await rig.run(['task', 'list', '--json'])).stdout).tasks as {
      id: string;
      title: string;
    }[];
    const task = tasks.find(({ title }) => title === 'Add the registry')?.id ?? '';
    // What is told of it stands above all else: what is looked at stays in its place all the same.
    const blocked = ['--status', 'blocked', '--blocked-reason', 'which registry?'];
    assert.equal((await rig.run(['task', 'update', task, ...blocked])).code, 0);
    await until('the change is seen', () =>
      page.value("document.querySelector('#needs-you')?.innerText.includes('which registry?')"),
    );
    assert.notEqual(await page.value('performance.timeOrigin'), before.loading);
    await until('it is where it was, and open', () =>
      page.value<boolean>(`${place} === ${before.place} && ${row}.open`),
    );
    watching.kill('SIGTERM');
    const [code, signal] = await inTime(once(watching, 'exit'), () => 'it goes on after SIGTERM');
    assert.deepEqual([code, signal], [null, 'SIGTERM']);
    assert.match(readFileSync(file, 'utf8'), /That has ended: it stays as it is\./);
    assert.deepEqual(
      readdirSync(rig.root).filter((name) => name.includes('plan.html')),
      ['plan.html'],
      'nothing that was written before it took its place is left',
    );
    await until('the last one is shown', () =>
      page.value('document.querySelector("footer") !== null && document.body.dataset.reload === undefined'),
    );
    assert.deepEqual(page.complaints(), []);
  });
});

test('what is no page of ours is left as it is, and what cannot be written is named', async () => {
  await using rig = await createProject();
  const fails = async (code: number, words: RegExp, args: readonly string[]) => {
    const { code: ended, stdout, stderr } = await rig.run(['status', '--json', ...args]);
    assert.equal(ended, code, stderr);
    assert.match(stderr, words);
    assert.match(stderr, /\n {2}fix: \S/);
    assert.equal(typeof JSON.parse(stdout).error.code, 'string');
  };
  rig.write('notes.html', '<!doctype html>\n<p>mine\n');
  symlinkSync('nowhere.html', join(rig.root, 'lost.html'));
  mkdirSync(join(rig.root, 'folder'));
  execFileSync('mkfifo', [join(rig.root, 'pipe.html')]);
  await fails(5, /notes\.html was not made by orchestrate status --html/, ['--html', 'notes.html']);
  await fails(5, /notes\.html was not made/, ['--html', 'notes.html', '--watch']);
  await fails(5, /lost\.html was not made/, ['--html', 'lost.html']);
  await fails(2, /folder is a directory[\s\S]*--html folder\/plan\.html/, ['--html', 'folder']);
  await fails(2, /pipe\.html is no regular file/, ['--html', 'pipe.html']);
  await fails(3, /there is no directory .*gone[\s\S]*mkdir -p .*gone/, ['--html', 'gone/plan.html']);
  await fails(3, /there is no directory/, ['--html', 'notes.html/plan.html']);
  await fails(3, /cannot be written: ENAMETOOLONG/, ['--html', `${'x'.repeat(300)}.html`]);
  await fails(2, /--html takes no stream/, ['Stream-A', '--html', 'plan.html']);
  await fails(2, /--html needs a/, ['--html']);
  await fails(2, /--html needs a FILE/, ['--html=']);
  await fails(2, /number of seconds/, ['--html', 'plan.html', '--watch=soon']);
  assert.equal(rig.read('notes.html'), '<!doctype html>\n<p>mine\n');
  const untouched = ['README.md', 'folder', 'lost.html', 'notes.html', 'pipe.html'];
  assert.deepEqual(
    readdirSync(rig.root).filter((name) => !name.startsWith('.')),
    untouched,
  );
});

test('a page is for its owner alone unless he says otherwise, links stay, and a file that takes its place stays too', async () => {
  await using rig = await createProject();
  const file = join(rig.root, 'plan.html');
  const mode = () => (statSync(file).mode & 0o777).toString(8);
  // As mktemp leaves it: nothing in it could be lost.
  writeFileSync(file, '', { mode: 0o644 });
  const { stdout } = await rig.run(['status', '--json', '--html', 'plan.html']);
  assert.deepEqual(JSON.parse(stdout), { schemaVersion: 1, file });
  assert.equal(mode(), '600');
  chmodSync(file, 0o640);
  symlinkSync('plan.html', join(rig.root, 'link.html'));
  const before = statSync(file).ino;
  assert.equal((await rig.run(['status', '--html', 'link.html', '--all'])).code, 0);
  assert.equal(mode(), '640');
  assert.notEqual(statSync(file).ino, before, 'replaced, not written into');
  assert.ok(lstatSync(join(rig.root, 'link.html')).isSymbolicLink());
  const watching = rig.start(['status', '--html', 'plan.html', '--watch', '0.2']);
  let said = '';
  watching.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  await until('it is watched', () => readFileSync(file, 'utf8').includes('data-reload'));
  // As an editor saves: in one step.
  writeFileSync(join(rig.root, 'mine'), 'mine');
  execFileSync('mv', [join(rig.root, 'mine'), file]);
  const [code] = await inTime(once(watching, 'close'), () => `it goes on: ${said}`);
  assert.deepEqual([code, rig.read('plan.html')], [5, 'mine'], said);
});
