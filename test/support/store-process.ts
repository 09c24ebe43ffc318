/** Runs snippets that use the store in processes of their own: the store is bundled once, so that a process starts quickly. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Bundles the named modules of src/store; the snippets see all their exports as `store`. */
export async function bundleStore(modules: readonly string[]): Promise<{ url: string; remove(): void }> {
  // Inside the checkout, so that the native module is found from there.
  const dir = mkdtempSync(join(root, 'node_modules', '.orchestrate-test-'));
  const outfile = join(dir, 'store.mjs');
  await build({
    stdin: {
      contents: modules.map((name) => `export * from './src/store/${name}';`).join('\n'),
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

/** Starts `code` (an ES module body; `store` and `args` are in scope) in a process of its own. */
export function startStoreProcess(
  bundle: { url: string },
  code: string,
  args: readonly string[],
): ChildProcess {
  const script = `import * as store from ${JSON.stringify(bundle.url)};\nconst args = process.argv.slice(1);\n${code}`;
  return spawn(process.execPath, ['--input-type=module', '-e', script, '--', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Runs `code` to its end; resolves to what it printed, rejects with its errors when it fails. */
export async function runStoreProcess(
  bundle: { url: string },
  code: string,
  args: readonly string[],
): Promise<string> {
  const child = startStoreProcess(bundle, code, args);
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  const [exitCode] = await once(child, 'close');
  if (exitCode !== 0) throw new Error(`a store process ended with ${exitCode}: ${err.slice(0, 2000)}`);
  return out;
}

/** Resolves with the next line that the process prints. */
export async function nextLine(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const [chunk] of lines(child)) {
    text += chunk;
    if (text.includes('\n')) return text.slice(0, text.indexOf('\n'));
  }
  throw new Error('the process ended without a line');
}

async function* lines(child: ChildProcess): AsyncGenerator<[string]> {
  if (child.stdout === null) return;
  while (child.exitCode === null && child.signalCode === null) {
    const [chunk] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown];
    if (chunk instanceof Uint8Array) yield [String(chunk)];
  }
}
