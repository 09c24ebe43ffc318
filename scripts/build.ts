/** Bundles the command line into dist/: one file for every command, one per command that has to start fast; only SQLite's native module stays outside. */
import { createHash } from 'node:crypto';
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
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const entry = join(dist, 'cli.js');
const LICENSES = 'THIRD-PARTY-LICENSES.txt';
const ALWAYS = ['cli.js', 'package.json', LICENSES];

/** Commands that agents, hooks, shells and impatient users start: a bundle each, which holds nothing else. */
const HOT = ['status', 'plan', 'task', 'hook', 'watch', 'attach', 'send', 'logs', 'completion'];

/** A bundle is the function that Node makes of a CommonJS module, where there is no `import.meta`. */
const FRAME = {
  banner: `(function (exports, require, module, __filename, __dirname) {
const importMetaUrl = require('node:url').pathToFileURL(__filename).href;`,
  footer: '})',
};

/** Leaves every command but `verb` out of a bundle: the entry never sends their words to it. */
function only(verb: string): Plugin {
  return {
    name: 'only',
    setup(bundle) {
      bundle.onResolve({ filter: /^\.\/[a-z-]+\.ts$/ }, ({ kind, importer, path }) => {
        const isCommand = kind === 'dynamic-import' && /\/src\/commands\/table(-run)?\.ts$/.test(importer);
        return isCommand && path !== `./${verb}.ts` ? { path, namespace: 'left-out' } : undefined;
      });
      bundle.onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({
        contents: `throw new Error('the bundle of ${verb} has no ' + ${JSON.stringify(path)});`,
      }));
    },
  };
}

/** Parts of Node that are there anyway once it runs. */
const PRESENT = ['node:fs', 'node:path', 'node:url', 'node:vm', 'node:module', 'node:process'];

/** Loads parts of Node at the first use of one of their exports: crypto alone takes longer to load than a plan to read. */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(bundle) {
    bundle.onResolve({ filter: /^node:/ }, ({ path, kind, namespace }) => {
      const isLazy = namespace !== 'lazy' && kind === 'import-statement' && !PRESENT.includes(path);
      return isLazy ? { path, namespace: 'lazy' } : { path, external: true };
    });
    bundle.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
      contents: `let loaded;
const part = () => (loaded ??= require(${JSON.stringify(path)}));
for (const name of ${JSON.stringify(namesOf(path))})
  Object.defineProperty(exports, name, { enumerable: true, get: () => part()[name] });`,
    }));
  },
};

/** Stands in a bundle where the names go that it uses of a part of Node. */
const namesOf = (part: string): string => `the names of ${part}`;

/**
 * Puts in which names of each lazy part of Node the bundle uses. Read off the bundle: what a part exports differs from one
 * Node to the next, and the same sources are to make the same bundle everywhere.
 */
function withNames(text: string): string {
  const code = text.replace(/^\s*var [\w$, ]+;$/gm, '');
  return text.replace(/"the names of (node:[\w/]+)"/g, (_, part: string) => {
    // As esbuild names what it has imported.
    const imported = `\\bimport_${part.replace(/^.*\//, '').replace(/\W/g, '_')}\\d*\\b`;
    const whole = new RegExp(`${imported}(?:\\.default)?(?! = __toESM\\()(?![\\w.$]|\\?\\.)`).exec(code);
    if (whole !== null) throw new Error(`${part} is used as a whole: which of its names is not known`);
    const used = code.matchAll(new RegExp(`${imported}(?:\\.default)?\\??\\.(\\w+)`, 'g'));
    return JSON.stringify([...new Set([...used].map(([, name]) => name))].sort());
  });
}

/** Bundles one entry as CommonJS, whole: one file is read and compiled faster than many. */
function bundle(entryPoint: string, options: Pick<BuildOptions, 'define' | 'plugins' | 'banner' | 'footer'>) {
  return build({
    absWorkingDir: root,
    entryPoints: [entryPoint],
    outdir: dist,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    // Where a package has both: esbuild cannot follow the calls of `require` that an UMD wrapper makes.
    mainFields: ['module', 'main'],
    // A package's place is what it is called by, also where node_modules is a link: paths stand in the bundle.
    preserveSymlinks: true,
    // Only the driver's own search for its native part needs it; the bundle names that part.
    external: ['bindings'],
    // The entry runs a bundle as a script of `node:vm`, where `import()` of what is not in it fails; `require` does not.
    supported: { 'dynamic-import': false },
    legalComments: 'none',
    // The entry reads a bundle byte by byte.
    charset: 'ascii',
    metafile: true,
    write: false,
    logLevel: 'warning',
    ...options,
  });
}

type Bundled = { readonly hash: string; readonly text: string; readonly inputs: readonly string[] };

/** `driver`: what it runs SQLite on. */
async function bundleCommand(name: string, driver: 'installed' | 'of-node' = 'installed'): Promise<Bundled> {
  const result = await bundle('src/cli.ts', {
    define: { 'import.meta.url': 'importMetaUrl', BUNDLED: JSON.stringify(driver) },
    banner: { js: FRAME.banner },
    footer: { js: FRAME.footer },
    plugins: name === 'main' ? [lazyBuiltins] : [lazyBuiltins, only(name)],
  });
  const text = withNames(escaped(result.outputFiles[0]?.text ?? ''));
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const inputs = Object.values(result.metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  return {
    hash,
    text,
    inputs: inputs.flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  };
}

/** The entry, which knows the bundles by the first word of the command line; `edition` tells bundles of one name apart. */
async function entryText(files: Readonly<Record<string, string>>, edition: string): Promise<string> {
  const define = { BUNDLES: JSON.stringify(files), EDITION: JSON.stringify(edition) };
  const result = await bundle('src/entry.ts', { define });
  return `#!/usr/bin/env node\n${result.outputFiles[0]?.text ?? ''}`;
}

/** Tells Node what bundles are, whatever lies around them. */
const COMMONJS = '{ "type": "commonjs" }\n';

/** The files of a dist/ that needs no package beside it: one bundle for every command, on Node's own SQLite. */
export async function bundleAlone(): Promise<Readonly<Record<string, string>>> {
  const { hash, text, inputs } = await bundleCommand('main', 'of-node');
  return {
    'cli.js': await entryText({ main: 'main.js' }, hash),
    'main.js': text,
    'package.json': COMMONJS,
    [LICENSES]: licenses(inputs),
  };
}

/** The same program in ASCII: the entry reads it byte by byte, and esbuild leaves regular expressions and comments as they are. */
function escaped(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all that is not ASCII
  return text.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Builds; files of an earlier build go unless `keepOld` (someone may be running them). */
export async function buildBundle(options: { keepOld: boolean }): Promise<void> {
  const startedAtMs = Date.now();
  const names = ['main', ...HOT];
  const bundles = await Promise.all(names.map((name) => bundleCommand(name)));
  const files = Object.fromEntries(
    bundles.map(({ hash }, index) => [names[index], `${names[index]}-${hash}.js`]),
  );
  const started = await entryText(files, '');
  mkdirSync(dist, { recursive: true });
  for (const [index, { text }] of bundles.entries())
    writeFileSync(join(dist, files[names[index] ?? ''] ?? ''), text);
  writeFileSync(join(dist, LICENSES), licenses(bundles.flatMap(({ inputs }) => inputs)));
  writeFileSync(join(dist, 'package.json'), COMMONJS);
  writeEntry(started);
  if (!options.keepOld) removeOthers(Object.values(files));
  const bytes = bundles.reduce((sum, { text }) => sum + text.length, 0);
  console.error(`built dist/: ${Math.round(bytes / 1024)} KiB in ${Date.now() - startedAtMs} ms`);
}

/** Builds when dist/ is missing or older than a source; for tests. */
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
  writeFileSync(temporary, text);
  chmodSync(temporary, 0o755);
  renameSync(temporary, entry);
}

function removeOthers(kept: readonly string[]): void {
  for (const name of readdirSync(dist)) {
    if (![...kept, ...ALWAYS].includes(name)) rmSync(join(dist, name), { recursive: true });
  }
}

function licenses(inputs: readonly string[]): string {
  const packages = new Set<string>();
  for (const input of inputs) {
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
  if (process.argv.includes('--when-outdated')) await ensureBuilt();
  else await buildBundle({ keepOld: process.argv.includes('--keep-old') });
}
