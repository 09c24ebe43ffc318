/** Makes docs/*.png: starts a plan with real Claude Code and a scripted model, and photographs the terminal of a user who looks on. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { StatusReport } from '../../src/report/types.ts';
import { type ClaudeProject, createClaudeProject } from '../../test/claude/support/project.ts';
import { installedBrowser, type Look, openBrowser } from '../../test/support/browser.ts';
import { openClient, type Size, type TmuxClient } from '../../test/support/tmux-client.ts';
import { HOLDS, PLAN, rulesOf } from './plan.ts';
import { renderPng } from './render.ts';

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url));
const SAMPLE = fileURLToPath(new URL('../sample/repository', import.meta.url));
const WIDE: Size = { columns: 180, rows: 46 };
const USUAL: Size = { columns: 120, rows: 32 };

const DESKTOP = { width: 1100, height: 1000, scale: 1.5 };
const PAGES: readonly (readonly [string, Look])[] = [
  ['page.png', { ...DESKTOP, dark: false }],
  ['page-dark.png', { ...DESKTOP, dark: true }],
  ['page-phone.png', { width: 390, height: 1160, scale: 1.5, dark: true }],
];
/** Only pictures whose names begin so are made. */
const WANTED = process.argv[2] ?? '';

const say = (text: string): void => void process.stderr.write(`screenshots: ${text}\n`);
const stateIn = (report: StatusReport, id: string): string =>
  report.streams.find((stream) => stream.id === id)?.state ?? '';
const everyone = (ids: readonly string[], state: string) => (report: StatusReport) =>
  ids.every((id) => stateIn(report, id) === state);

/** One picture of all that the user sees, status line and borders too. */
function photograph(client: TmuxClient, size: Size, name: string): void {
  if (!name.startsWith(WANTED)) return;
  renderPng({ text: client.screen({ colours: true }), ...size }, join(DOCS, name));
  say(`docs/${name}`);
}

/** The page of `status --html`, for large screens and phones. */
async function photographPage(project: ClaudeProject): Promise<void> {
  const file = join(project.cli.home, 'plan.html');
  await project.run(['status', '--html', file]);
  const program = installedBrowser();
  if (program === null) throw new Error('no browser to draw with: install chromium');
  await using browser = await openBrowser(program);
  for (const [name, look] of PAGES.filter(([name]) => name.startsWith(WANTED))) {
    const page = await browser.open(pathToFileURL(file).href, look);
    writeFileSync(join(DOCS, name), await page.picture());
    say(`docs/${name}`);
  }
}

function attach(project: ClaudeProject, size: Size): TmuxClient {
  const session = project.tmux('list-sessions', '-F', '#{session_id}').trim();
  return openClient(['-L', project.cli.socket, 'attach-session', '-t', `${session}:`], size, project.env);
}

/** Waits until the model has been asked as often as it answers before its first pause. */
async function untilHeld(project: ClaudeProject): Promise<void> {
  const working = ['Stream-B', 'Stream-C', 'Stream-D'];
  await project.until(
    'three streams halfway',
    (report) =>
      report.streams.filter(({ id, tasks }) => working.includes(id) && tasks.completed === 1).length === 3,
  );
}

async function take(project: ClaudeProject): Promise<void> {
  cpSync(SAMPLE, project.cli.root, { recursive: true });
  project.cli.git('add', 'README.md', 'package.json');
  project.cli.git('commit', '--quiet', '--message=Begin the converter');
  await project.run(['start', '--detach', '--view']);
  using wide = attach(project, WIDE);
  say('waiting for four agents at work');
  await project.until('four agents', everyone(['Stream-B', 'Stream-C', 'Stream-D', 'Stream-E'], 'running'));
  await untilHeld(project);
  await wide.sees(/4 running[\s\S]*4 running/);
  project.server.release(HOLDS.ask);
  await project.until('a question', everyone(['Stream-E'], 'needs-input'));
  await wide.sees(/1 STREAM NEEDS YOU/);
  await wide.sees(/Do you want to proceed/);
  wide.press('n');
  await wide.sees(/▸ ▲ E[\s\S]*Register the currencies/);
  photograph(wide, WIDE, 'needs-you.png');
  await photographPage(project);
  await project.run(['view', '--off']);
  wide.press('C-b', 'd');
  using usual = attach(project, USUAL);
  // Drawn for this size, not yet cut from the wider one.
  usual.press('n');
  await usual.sees(/waits for B \(running\)[\s\S]*── Stream-E[\s\S]*Enter open/);
  photograph(usual, USUAL, 'summary.png');
}

await using project = await createClaudeProject({
  plan: PLAN,
  config: { maxWorkers: 5, gates: [{ name: 'test', command: 'npm test' }], stallMinutes: 60 },
  agent: { permissions: 'acceptEdits' },
  rules: rulesOf,
});
await take(project);
