/**
 * Where the program stays that launchers, hooks and windows name. A plugin's directory goes with the plugin's next version, so
 * that the program of a plugin is copied to the user's own data directory; copies that no project names any more are removed.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import {
  CLI_ENTRY,
  launcherText,
  PACKAGE_ROOT,
  packageVersion,
  programsOfLauncher,
} from '../app/package-root.ts';
import { projectPaths } from '../app/paths.ts';
import { OrchestrateError } from '../core/errors.ts';
import { isDenied, listIfPresent, lstatIfPresent, readIfPresent } from '../files/present.ts';
import { replaceFile } from '../files/replace-file.ts';
import { sha256, tagOf } from '../files/sha256.ts';
import { launcherPlace } from '../worker/launcher-directory.ts';
import { programsOfServer } from './mcp-config-step.ts';
import { cannotWrite } from './write.ts';

/** Made by the build: what this program is of which build, and the hash of each file. No other installation has one. */
const EDITION = 'edition';
/** Compiled code, which the program itself keeps beside its bundle. */
const CODE_CACHE = join('dist', '.code-cache');

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a project is whose files name a copy. */
type User = { readonly root: string; readonly commonDir: string };

/** The command line that may be named for as long as a project lives; it is there once `keepProgram` was called. */
export function lastingEntry(env: Environment = process.env): string {
  return isOfPlugin() ? join(placeOfCopy(env), relative(PACKAGE_ROOT, CLI_ENTRY)) : CLI_ENTRY;
}

/** A launcher (see `launcherText`) of the program that stays. */
export function lastingLauncher(maker: string, words: string): string {
  return launcherText(maker, words, [process.execPath, lastingEntry()]);
}

/** Whether this program lies in a plugin. */
function isOfPlugin(): boolean {
  const plugin = join(PACKAGE_ROOT, '..', '.claude-plugin', 'plugin.json');
  return existsSync(plugin) && existsSync(join(PACKAGE_ROOT, EDITION));
}

function dataDirectory(env: Environment): string {
  const given = env['XDG_DATA_HOME'] ?? '';
  const base = isAbsolute(given) ? given : join(env['HOME'] || homedir(), '.local', 'share');
  return real(join(base, 'orchestrate'));
}

/** With links resolved, as Node says where a program lies; also of what is not there yet. */
function real(path: string): string {
  if (dirname(path) === path) return path;
  return existsSync(path) ? realpathSync(path) : join(real(dirname(path)), basename(path));
}

/** Hashes by file, the edition itself first; null where there is no such list. */
type Edition = { readonly name: string; readonly files: ReadonlyMap<string, string> };

function editionAt(place: string): Edition | null {
  const text = readIfPresent(join(place, EDITION));
  if (text === null) return null;
  const [name = '', ...lines] = text.split('\n');
  const files = lines.filter((line) => line !== '').map((line) => line.split('  '));
  return { name, files: new Map(files.map(([hash = '', file = '']) => [file, hash])) };
}

/** The copy of this program: named by the version, and by the edition too where that version is another build. */
function placeOfCopy(env: Environment): string {
  const name = editionAt(PACKAGE_ROOT)?.name ?? '';
  const plain = join(dataDirectory(env), packageVersion());
  const isFree = lstatIfPresent(plain) === null || editionAt(plain)?.name === name;
  return isFree ? plain : `${plain}-${name}`;
}

/** What `keepProgram` would do: `null` when the program stays where it is, or its copy is whole. */
export function missingCopy(env: Environment = process.env): string | null {
  if (!isOfPlugin()) return null;
  const place = placeOfCopy(env);
  const wanted = editionAt(PACKAGE_ROOT)?.files ?? new Map();
  return existsSync(place) && damaged(place, wanted).length === 0 ? null : place;
}

/** Makes the copy that `lastingEntry` names, or mends it. Throws exit 3 when it cannot be written. */
export function keepProgram(env: Environment = process.env): void {
  const place = missingCopy(env);
  if (place === null) return;
  try {
    if (existsSync(place)) mend(place);
    else copyWhole(place);
  } catch (error) {
    throw cannotWrite(place, error);
  }
}

function damaged(place: string, wanted: Edition['files']): string[] {
  return [...wanted].flatMap(([file, hash]) => {
    const path = join(place, file);
    return existsSync(path) && sha256(readFileSync(path)) === hash ? [] : [file];
  });
}

function mend(place: string): void {
  for (const file of damaged(place, editionAt(PACKAGE_ROOT)?.files ?? new Map())) {
    mkdirSync(dirname(join(place, file)), { recursive: true, mode: 0o700 });
    replaceFile(join(place, file), readFileSync(join(PACKAGE_ROOT, file)), modeOf(file));
  }
}

const modeOf = (file: string): number => (file === relative(PACKAGE_ROOT, CLI_ENTRY) ? 0o755 : 0o644);

/** Beside its place first, so that nobody meets half a copy; of two at a time one wins, and both are the same. */
function copyWhole(place: string): void {
  const draft = join(dirname(place), `.${process.pid}-${tagOf(PACKAGE_ROOT)}`);
  rmSync(draft, { recursive: true, force: true });
  for (const file of [...(editionAt(PACKAGE_ROOT)?.files.keys() ?? []), EDITION]) {
    mkdirSync(dirname(join(draft, file)), { recursive: true, mode: 0o700 });
    copyFileSync(join(PACKAGE_ROOT, file), join(draft, file));
    chmodSync(join(draft, file), modeOf(file));
  }
  try {
    renameSync(draft, place);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(join(place, EDITION))) throw error;
  }
}

/** Where the copy of this program is, when it is a plugin's or is such a copy itself; else null. */
export function ownCopy(env: Environment): string | null {
  if (isOfPlugin()) return placeOfCopy(env);
  return dirname(PACKAGE_ROOT) === dataDirectory(env) ? PACKAGE_ROOT : null;
}

/** Notes that files of the project name the copy of this program, if that is where it stays: the copy stays then. */
export function noteUser(user: User, env: Environment = process.env): void {
  if (ownCopy(env) === null) return;
  const path = noteOf(user.root, env);
  const text = `${JSON.stringify(user)}\n`;
  try {
    if (readIfPresent(path) === text) return;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    replaceFile(path, text, 0o600);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** The project's files name no program any more. */
export function forgetUser(root: string, env: Environment = process.env): void {
  rmSync(noteOf(root, env), { force: true });
}

const NOTES = 'projects';

function noteOf(root: string, env: Environment): string {
  return join(dataDirectory(env), NOTES, `${tagOf(root)}.json`);
}

/**
 * Removes other versions' copies that no noted project names, and returns their places. All stay while a project cannot be
 * looked at, and one stays that holds what we did not put there.
 */
export function removeUnusedCopies(env: Environment = process.env): readonly string[] {
  const [base, own] = [dataDirectory(env), ownCopy(env)];
  const named = own === null ? null : programsNamed(base);
  if (named === null) return [];
  const places = listIfPresent(base).map((name) => join(base, name));
  const unused = places.filter(
    (place) => place !== own && !named.some((each) => each.startsWith(`${place}/`)) && isOursAlone(place),
  );
  return unused.filter(removed);
}

/** What launchers and servers of all noted projects call; null when that of one cannot be known. */
function programsNamed(base: string): readonly string[] | null {
  const named: string[] = [];
  for (const note of listIfPresent(join(base, NOTES))) {
    try {
      const user: User = JSON.parse(readFileSync(join(base, NOTES, note), 'utf8'));
      // A disk that is not there at the moment takes more away than the project.
      if (lstatIfPresent(dirname(user.root)) === null) return null;
      const { launchers, mcpConfig } = projectPaths(user.root);
      const files = [...Object.values(launchers), join(launcherPlace(user.commonDir), 'orchestrate')];
      named.push(...files.flatMap((file) => programsOfLauncher(readIfPresent(file) ?? '')));
      named.push(...programsOfServer(mcpConfig));
    } catch (thrown) {
      if (isDenied(thrown) || thrown instanceof SyntaxError || thrown instanceof OrchestrateError)
        return null;
      throw thrown;
    }
  }
  return named;
}

/** A copy as it was made, with nothing in it that we did not put there. */
function isOursAlone(place: string): boolean {
  const edition = editionAt(place);
  if (edition === null || damaged(place, edition.files).length > 0) return false;
  return readdirSync(place, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(place, join(entry.parentPath, entry.name)))
    .every((file) => file === EDITION || edition.files.has(file) || file.startsWith(`${CODE_CACHE}/`));
}

function removed(place: string): boolean {
  try {
    rmSync(place, { recursive: true });
    return true;
  } catch (thrown) {
    if (isDenied(thrown)) return false;
    throw thrown;
  }
}
