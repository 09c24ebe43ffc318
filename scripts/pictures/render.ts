/** Draws a captured terminal screen as a PNG: xterm.js in a headless Chromium. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const DRAWING_MS = 60_000;
/** Pixels around the terminal, and how many of the picture's pixels there are to one of the page. */
const MARGIN = 14;
const SCALE = 1.25;
/** The first has the symbols of our screen, the last two what else agents draw; Menlo stands in on macOS. */
const FONTS = '"DejaVu Sans Mono", Menlo, "Noto Sans Symbols", "Noto Sans Symbols 2", Symbola, monospace';
const THEME = {
  background: '#12161c',
  foreground: '#d5dbe3',
  black: '#12161c',
  red: '#ff6b6b',
  green: '#6bcb77',
  yellow: '#ffc145',
  blue: '#5aa9ff',
  magenta: '#c792ea',
  cyan: '#4dd0e1',
  white: '#d5dbe3',
  brightBlack: '#7d8896',
  brightRed: '#ff8787',
  brightGreen: '#8ce99a',
  brightYellow: '#ffd43b',
  brightBlue: '#74c0fc',
  brightMagenta: '#e599f7',
  brightCyan: '#66d9e8',
  brightWhite: '#ffffff',
};

/** A screen as tmux captured it, with its escapes, and the terminal's size. */
export type Capture = { readonly text: string; readonly columns: number; readonly rows: number };

/** Writes the picture to `file`. Throws when no browser is found or it fails. */
export function renderPng(capture: Capture, file: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'orchestrate-picture-'));
  try {
    const page = join(folder, 'page.html');
    writeFileSync(page, pageOf(capture));
    const url = pathToFileURL(page).href;
    const size = /data-size="(\d+)x(\d+)"/.exec(browse(folder, ['--dump-dom', url]));
    if (size === null) throw new Error('the page did not draw the terminal');
    const [width, height] = [Number(size[1]) + 2 * MARGIN, Number(size[2]) + 2 * MARGIN];
    browse(folder, [`--window-size=${width},${height}`, `--screenshot=${file}`, url]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function browse(folder: string, args: readonly string[]): string {
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const fixed = [
    '--headless',
    '--disable-gpu',
    '--hide-scrollbars',
    `--user-data-dir=${join(folder, 'profile')}`,
  ];
  const drawing = [`--force-device-scale-factor=${SCALE}`, '--virtual-time-budget=5000'];
  for (const browser of BROWSERS) {
    try {
      return execFileSync(browser, [...sandbox, ...fixed, ...drawing, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: DRAWING_MS,
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`no browser to draw with: install chromium (looked for ${BROWSERS.join(', ')})`);
}

function pageOf({ text, columns, rows }: Capture): string {
  const require = createRequire(import.meta.url);
  const script = pathToFileURL(require.resolve('@xterm/xterm/lib/xterm.js')).href;
  const style = pathToFileURL(require.resolve('@xterm/xterm/css/xterm.css')).href;
  const options = {
    cols: columns,
    rows,
    fontFamily: FONTS,
    fontSize: 13,
    theme: THEME,
    scrollback: 0,
    convertEol: true,
  };
  // A last line end would scroll the screen; the cursor is hidden.
  const bytes = `\u001b[?25l${text.replace(/\n$/, '')}`;
  return `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="${style}">
<style>body { margin: ${MARGIN}px; background: ${THEME.background}; overflow: hidden } .xterm-viewport { overflow: hidden !important } .xterm-rows > div { overflow: visible !important }</style>
<div id="terminal" style="display: inline-block"></div><script src="${script}"></script>
<script>
const terminal = new Terminal(${asScript(options)});
terminal.open(document.getElementById('terminal'));
terminal.write(${asScript(bytes)}, () => {
  const { width, height } = document.querySelector('.xterm-screen').getBoundingClientRect();
  document.body.dataset.size = Math.ceil(width) + 'x' + Math.ceil(height);
});
</script>`;
}

/** A value as a literal that cannot end the script element. */
const asScript = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');
