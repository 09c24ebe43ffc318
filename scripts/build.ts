/** Bundles src/cli.ts into dist/: split per command, only the native module left outside, with the licences of what is bundled. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Metafile } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const entry = join(dist, 'cli.js');
const LICENSES = 'THIRD-PARTY-LICENSES.txt';

/** CommonJS packages in the bundle still call `require` for Node's own modules. */
const banner = `import { createRequire as orchestrateCreateRequire } from 'node:module';
const require = orchestrateCreateRequire(import.meta.url);`;

/** Builds; files of an earlier build go unless `keepOld` (someone may be running them). */
export async function buildBundle(options: { keepOld: boolean }): Promise<void> {
  const startedAtMs = Date.now();
  const result = await build({
    absWorkingDir: root,
    entryPoints: ['src/cli.ts'],
    outdir: dist,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: ['better-sqlite3'],
    banner: { js: banner },
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  mkdirSync(dist, { recursive: true });
  for (const file of result.outputFiles) {
    if (file.path === entry) continue;
    writeFileSync(file.path, file.contents);
  }
  writeFileSync(join(dist, LICENSES), licenses(result.metafile));
  writeEntry(result.outputFiles.find(({ path }) => path === entry)?.text ?? '');
  if (!options.keepOld) removeOthers(result.outputFiles.map(({ path }) => basename(path)));
  const bytes = result.outputFiles.reduce((sum, { contents }) => sum + contents.length, 0);
  console.error(`built dist/: ${Math.round(bytes / 1024)} KiB in ${Date.now() - startedAtMs} ms`);
}

/** Builds when dist/ is missing or older than a source; for test rigs. */
export async function ensureBuilt(): Promise<void> {
  if (existsSync(entry) && newestSource() <= statSync(entry).mtimeMs) return;
  await buildBundle({ keepOld: true });
}

function newestSource(): number {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const files = [...sources.map((name) => join(root, 'src', name)), join(root, 'package-lock.json')];
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}

/** The entry comes last and at once, so that a half-written build is never run. */
function writeEntry(text: string): void {
  const temporary = `${entry}.${process.pid}`;
  writeFileSync(temporary, `#!/usr/bin/env node\n${text}`);
  chmodSync(temporary, 0o755);
  renameSync(temporary, entry);
}

function removeOthers(kept: readonly string[]): void {
  for (const name of readdirSync(dist)) {
    if (!kept.includes(name) && name !== LICENSES) rmSync(join(dist, name), { recursive: true });
  }
}

function licenses(metafile: Metafile): string {
  const packages = new Set<string>();
  for (const input of Object.keys(metafile.inputs)) {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match?.[1] !== undefined) packages.add(match[1]);
  }
  return [...packages]
    .sort()
    .map(licenseOf)
    .join(`\n${'-'.repeat(78)}\n`);
}

function licenseOf(directory: string): string {
  const folder = join(root, directory);
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entryName) => /^licen[cs]e/i.test(entryName));
  const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  return `${name} ${version} (${license})\n${text}`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await buildBundle({ keepOld: process.argv.includes('--keep-old') });
}
