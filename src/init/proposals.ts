/**
 * Proposes setup commands and gates from the lockfile and test script a project has (fixed texts), and asks which are wanted: a
 * user at a terminal, or `--yes`; without either none is taken, and that is said.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandGate } from '../app/config/config.ts';
import { type Config, type SetupCommand, setupCommands } from '../app/config/load.ts';
import { fieldsOf, parseObject } from '../core/json-fields.ts';
import { shellWord } from '../core/shell-word.ts';
import { readIfPresent } from '../files/present.ts';

/** What could go into config.json. `because` names the files that led to it. */
export type Proposals = {
  readonly setup: readonly (SetupCommand & { readonly because: string })[];
  readonly gates: readonly { readonly gate: Omit<CommandGate, 'agent'>; readonly because: string }[];
};

export const NO_PROPOSALS: Proposals = { setup: [], gates: [] };

/**
 * Looks at the directory `from` (relative to the project) and those above it, the nearest first, and for what git brings at the
 * top. `hooks`: a directory of hooks that worktrees will not have.
 */
export function propose(root: string, hooks: string | null = null, from = '.'): Proposals {
  const parts = from.split('/').filter((part) => part !== '.' && part !== '');
  const places = [...parts.keys(), parts.length]
    .reverse()
    .map((depth) => parts.slice(0, depth).join('/') || '.');
  const top = (name: string) => existsSync(join(root, name));
  const atTop = (each: { readonly command: string; readonly because: string }) => ({ ...each, cwd: '.' });
  return {
    setup: [
      ...broughtByGit(root, top).map(atTop),
      ...proposeSetup(root, places),
      ...copiedHooks(root, hooks).map(atTop),
    ],
    gates: firstGate(root, places),
  };
}

type Found = readonly { readonly command: string; readonly because: string }[];

/** What git brings into a checkout only when it is asked to; before packages, which may come from there. */
function broughtByGit(root: string, has: Has): Found {
  const bigFiles = readText(join(root, '.gitattributes')).includes('filter=lfs');
  return [
    ...(has('.gitmodules') ? [{ command: SUBMODULES, because: '.gitmodules' }] : []),
    ...(bigFiles ? [{ command: 'git lfs pull', because: '.gitattributes' }] : []),
  ];
}

/** What brings submodules into a worktree. */
export const SUBMODULES = 'git submodule update --init --recursive';

/** What brings a directory of hooks that git ignores into a worktree. */
export function copyHooks(path: string): string {
  const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.';
  const quoted = shellWord(path);
  return `mkdir -p ${shellWord(parent)} && cp -R "$ORCHESTRATE_PROJECT"/${quoted} ${shellWord(parent)}/`;
}

/** Hooks that no `prepare` script of the packages puts there. */
function copiedHooks(root: string, hooks: string | null): Found {
  const prepares = textAt(objectAt(readPackage(root), 'scripts'), 'prepare') !== '';
  return hooks === null || hooks.startsWith('.git/') || prepares
    ? []
    : [{ command: copyHooks(hooks), because: 'core.hooksPath' }];
}

type Has = (name: string) => boolean;

/** One setup command per package manager: the first of its files in the nearest directory that has one decides. */
function proposeSetup(root: string, places: readonly string[]): Proposals['setup'] {
  const families = setupFamilies(places.some((place) => isModernYarn(join(root, place))));
  return families.flatMap((family) => {
    const found = places.flatMap((cwd) =>
      family.flatMap(([file, command]) => {
        const because = join(cwd, file);
        return existsSync(join(root, because)) ? [{ command, cwd, because }] : [];
      }),
    );
    return found.slice(0, 1);
  });
}

/** Files of package managers with what installs from them, by ecosystem. */
function setupFamilies(modernYarn: boolean): readonly (readonly (readonly [string, string])[])[] {
  return [
    [
      ['pnpm-lock.yaml', 'pnpm install --frozen-lockfile'],
      ['bun.lock', 'bun install --frozen-lockfile'],
      ['bun.lockb', 'bun install --frozen-lockfile'],
      ['yarn.lock', modernYarn ? 'yarn install --immutable' : 'yarn install --frozen-lockfile'],
      ['package-lock.json', 'npm ci'],
      ['npm-shrinkwrap.json', 'npm ci'],
    ],
    [
      ['uv.lock', 'uv sync --frozen'],
      ['poetry.lock', 'poetry install'],
      ['Pipfile.lock', 'pipenv sync --dev'],
      ['requirements.txt', 'python3 -m venv .venv && .venv/bin/pip install -r requirements.txt'],
    ],
    [['go.sum', 'go mod download']],
    [['Gemfile.lock', 'bundle install']],
    [['composer.lock', 'composer install']],
  ];
}

function isModernYarn(root: string): boolean {
  return (
    existsSync(join(root, '.yarnrc.yml')) || /^yarn@[2-9]/.test(textAt(readPackage(root), 'packageManager'))
  );
}

/** The project's own test command: that of the nearest directory which has one, the first kind of project that fits. */
function firstGate(root: string, places: readonly string[]): Proposals['gates'] {
  for (const [index, cwd] of places.entries()) {
    const here = join(root, cwd);
    const has = (name: string) => existsSync(join(here, name));
    // The lockfile of a workspace is at its top, and tells which manager runs the test.
    const above = places.slice(index).map((place) => join(root, place));
    const finders: readonly (() => readonly [string, string] | null)[] = [
      () => packageTest(here, (name) => above.some((place) => existsSync(join(place, name)))),
      () => (/^test\s*:/m.test(readText(join(here, 'Makefile'))) ? ['make test', 'Makefile'] : null),
      () => (has('Cargo.toml') ? ['cargo test', 'Cargo.toml'] : null),
      () => (has('go.mod') ? ['go test ./...', 'go.mod'] : null),
      () => pytest(here, has),
    ];
    for (const find of finders) {
      const found = find();
      if (found === null) continue;
      const [command, because] = found;
      return [{ gate: { name: 'test', command, cwd, timeoutSeconds: 900 }, because: join(cwd, because) }];
    }
  }
  return [];
}

function packageTest(root: string, has: Has): readonly [string, string] | null {
  const script = textAt(objectAt(readPackage(root), 'scripts'), 'test');
  if (script === '' || script.includes('no test specified')) return null;
  const managers = [
    ['pnpm-lock.yaml', 'pnpm test'],
    ['bun.lock', 'bun run test'],
    ['bun.lockb', 'bun run test'],
    ['yarn.lock', 'yarn test'],
  ] as const;
  return [managers.find(([file]) => has(file))?.[1] ?? 'npm test', 'package.json scripts.test'];
}

function pytest(root: string, has: Has): readonly [string, string] | null {
  const marks = ['pyproject.toml', 'setup.cfg', 'tox.ini', 'requirements.txt', 'requirements-dev.txt'];
  const mark = has('pytest.ini')
    ? 'pytest.ini'
    : marks.find((file) => readText(join(root, file)).includes('pytest'));
  if (mark === undefined) return null;
  if (has('uv.lock')) return ['uv run pytest', mark];
  if (has('poetry.lock')) return ['poetry run pytest', mark];
  if (has('Pipfile.lock')) return ['pipenv run pytest', mark];
  if (has('requirements.txt')) return ['.venv/bin/python -m pytest', mark];
  return ['pytest', mark];
}

function readText(path: string): string {
  return readIfPresent(path) ?? '';
}

/** package.json as far as it can be read; what cannot be read proposes nothing. */
function readPackage(root: string): unknown {
  return parseObject(readText(join(root, 'package.json')));
}

function objectAt(value: unknown, name: string): unknown {
  return Object.entries(fieldsOf(value)).find(([key]) => key === name)?.[1] ?? null;
}

function textAt(value: unknown, name: string): string {
  const text = objectAt(value, name);
  return typeof text === 'string' ? text : '';
}

/** Who can be asked. */
export type Asker = {
  readonly interactive: boolean;
  readonly yes: boolean;
  readonly ask: (question: string) => Promise<string>;
};

/** `accepted` includes what the configuration already holds; null when nothing new was accepted. */
export type Acceptance = {
  readonly accepted: Proposals | null;
  /** Commands that nobody could be asked about. */
  readonly passedOver: readonly string[];
};

/** Asks about what `current` (the configuration as it is) doesn't hold yet. */
export async function accept(proposals: Proposals, current: Config, asker: Asker): Promise<Acceptance> {
  const held = setupCommands(current);
  const old = {
    setup: proposals.setup.filter((proposal) => held.some((each) => isSame(each, proposal))),
    gates: proposals.gates.filter(({ gate }) =>
      current.gates.some(({ command }) => command === gate.command),
    ),
  };
  const fresh = {
    setup: proposals.setup.filter((proposal) => !old.setup.includes(proposal)),
    gates: proposals.gates.filter((proposal) => !old.gates.includes(proposal)),
  };
  const commands = commandsOf(fresh);
  if (!asker.yes && !asker.interactive) return { accepted: null, passedOver: commands };
  const taken = asker.yes ? fresh : await askAbout(fresh, asker);
  if (commandsOf(taken).length === 0) return { accepted: null, passedOver: [] };
  return {
    accepted: { setup: [...old.setup, ...taken.setup], gates: [...old.gates, ...taken.gates] },
    passedOver: [],
  };
}

function isSame(a: SetupCommand, b: SetupCommand): boolean {
  return a.command === b.command && a.cwd === b.cwd;
}

function commandsOf({ setup, gates }: Proposals): string[] {
  return [...setup.map(({ command }) => command), ...gates.map(({ gate }) => gate.command)];
}

async function askAbout(fresh: Proposals, asker: Asker): Promise<Proposals> {
  const setup: Proposals['setup'][number][] = [];
  for (const proposal of fresh.setup) {
    const { command, because } = proposal;
    if (await agreed(asker, `Run "${command}" in every new worktree (${because})?`)) setup.push(proposal);
  }
  const gates: Proposals['gates'][number][] = [];
  for (const proposal of fresh.gates) {
    const { gate, because } = proposal;
    if (await agreed(asker, `Count a stream as done only when "${gate.command}" passes (${because})?`)) {
      gates.push(proposal);
    }
  }
  return { setup, gates };
}

async function agreed(asker: Asker, question: string): Promise<boolean> {
  return !/^n/i.test(await asker.ask(`${question} [Y/n] `));
}
