/** Processes of their own that use the store: it is bundled once, each process starts once and then runs what it is told. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A bundle of modules of src. */
export type StoreBundle = { readonly url: string; remove(): void };

/** Bundles the named modules of src into one ES module. */
export async function bundleStore(modules: readonly string[]): Promise<StoreBundle> {
  // Inside the checkout, so that the native module is found from there.
  const dir = mkdtempSync(join(root, 'node_modules', '.orchestrate-test-'));
  const outfile = join(dir, 'store.mjs');
  await build({
    stdin: {
      contents: modules.map((name) => `export * from './src/${name}';`).join('\n'),
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['better-sqlite3'],
    outfile,
    logLevel: 'error',
  });
  return { url: pathToFileURL(outfile).href, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** One process; `run` executes the body of an async function in it (`store`, `args` and `kept` are in scope). */
export type StoreProcess = {
  readonly child: ChildProcess;
  /** Resolves to what the code returned (as JSON carries it), rejects with what it threw. `kept` lives between calls. */
  run(code: string, args?: readonly string[]): Promise<unknown>;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
};

const LOOP = `
const { createInterface } = await import('node:readline');
const store = await import(process.argv[1]);
const kept = {};
const AsyncFunction = (async () => {}).constructor;
for await (const line of createInterface({ input: process.stdin })) {
  const { code, args } = JSON.parse(line);
  try {
    const value = await new AsyncFunction('store', 'args', 'kept', code)(store, args, kept);
    console.log(JSON.stringify({ value }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error.stack) }));
  }
}`;

/** Starts a process that has the bundle at `url` loaded and waits for work. */
export function startStoreProcess(url: string): StoreProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', LOOP, '--', url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async run(code, args = []) {
      child.stdin.write(`${JSON.stringify({ code, args })}\n`);
      const { value: line, done } = await answers.next();
      if (done === true) throw new Error('the process ended without an answer');
      const answer = JSON.parse(line) as { value?: unknown; error?: string };
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.value;
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
