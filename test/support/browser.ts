/** A real headless Chromium, steered over a pipe: pages of any size, dark or light, what is true in them, and pictures. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { removeTree } from './remove-tree.ts';
import { inTime, until } from './wait.ts';

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

export type Look = {
  readonly width: number;
  readonly height: number;
  readonly dark: boolean;
  /** Pixels of the picture to one of the page; 1 when left out. */
  readonly scale?: number;
};

export type BrowserPage = {
  /** What an expression (or a promise of one) comes to in the page, which its security policy does not keep out. */
  value<T>(expression: string): Promise<T>;
  /** A PNG of what is in sight. */
  picture(): Promise<Buffer>;
  /** What the page complained of so far: errors of scripts, and what its policy refused. */
  complaints(): readonly string[];
};

export type Browser = AsyncDisposable & {
  /** Opens an address, and resolves when it is loaded. */
  open(address: string, look: Look): Promise<BrowserPage>;
};

type Answer = {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
};

/** The program to run; null where none is installed. */
export function installedBrowser(): string | null {
  return BROWSERS.find((name) => spawnSync('which', [name], { stdio: 'ignore' }).status === 0) ?? null;
}

/** Starts a browser with a profile of its own, which goes with it. */
export async function openBrowser(program: string): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'orchestrate-browser-'));
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const child = spawn(
    program,
    [
      ...sandbox,
      '--headless',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--hide-scrollbars',
      `--user-data-dir=${profile}`,
      '--remote-debugging-pipe',
      'about:blank',
    ],
    // The browser starts processes of its own: all of them are one group, which is ended as one.
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true },
  );
  const pipe = speak(child);
  return {
    open: (address, look) => openPage(pipe, address, look),
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid, 'SIGKILL');
        await inTime(ended, () => 'the browser does not end');
      }
      removeTree(profile);
    },
  };
}

type Pipe = {
  call(method: string, params: object, session?: string): Promise<Record<string, unknown>>;
  on(listener: (answer: Answer) => void): void;
};

/** Messages of the DevTools protocol: JSON between zero bytes, on descriptors 3 and 4. */
function speak(child: ChildProcess): Pipe {
  const out = child.stdio[3] as Writable;
  const calls = new Map<number, (answer: Answer) => void>();
  const listeners: ((answer: Answer) => void)[] = [];
  let last = 0;
  let rest = '';
  (child.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\0');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const answer = JSON.parse(part) as Answer;
      if (answer.id !== undefined) calls.get(answer.id)?.(answer);
      for (const listener of listeners) listener(answer);
    }
  });
  return {
    on: (listener) => void listeners.push(listener),
    call(method, params, sessionId) {
      last += 1;
      const id = last;
      const answered = new Promise<Record<string, unknown>>((resolve, reject) => {
        calls.set(id, ({ result, error }) =>
          error === undefined ? resolve(result ?? {}) : reject(new Error(`${method}: ${error.message}`)),
        );
      });
      out.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      return inTime(answered, () => `the browser does not answer ${method}`);
    },
  };
}

async function openPage(pipe: Pipe, address: string, look: Look): Promise<BrowserPage> {
  const { targetId } = await pipe.call('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await pipe.call('Target.attachToTarget', { targetId, flatten: true });
  const session = String(sessionId);
  const call = (method: string, params: object = {}) => pipe.call(method, params, session);
  const complaints: string[] = [];
  /** The documents that were loaded, of which there is one before the address is asked for. */
  const loaded = new Set<unknown>();
  pipe.on(({ method, sessionId: of, params }) => {
    if (of !== session) return;
    if (method === 'Page.lifecycleEvent' && params?.['name'] === 'load') loaded.add(params['loaderId']);
    if (method === 'Log.entryAdded' || method === 'Runtime.exceptionThrown')
      complaints.push(JSON.stringify(params));
  });
  const { width, height, dark, scale = 1 } = look;
  for (const domain of ['Page', 'Runtime', 'Log']) await call(`${domain}.enable`);
  await call('Page.setLifecycleEventsEnabled', { enabled: true });
  await call('Emulation.setDeviceMetricsOverride', {
    width,
    height,
    deviceScaleFactor: scale,
    mobile: width < 600,
  });
  const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }];
  await call('Emulation.setEmulatedMedia', { features });
  const { loaderId } = await call('Page.navigate', { url: address });
  await until(`${address} is loaded`, () => loaded.has(loaderId));
  return {
    async value<T>(expression: string): Promise<T> {
      const wanted = { expression, awaitPromise: true, returnByValue: true };
      // Of a page that is just being reloaded it is asked again, which Chromium tells in several ways.
      const ask = (): Promise<Record<string, unknown>> =>
        call('Runtime.evaluate', wanted).catch((error: unknown) => {
          if (/context|navigated|promise was collected/i.test(String(error))) return ask();
          throw error;
        });
      const { result, exceptionDetails } = await ask();
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { value: T }).value;
    },
    async picture() {
      const { data } = await call('Page.captureScreenshot', { format: 'png' });
      return Buffer.from(String(data), 'base64');
    },
    complaints: () => complaints,
  };
}
