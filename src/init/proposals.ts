/**
 * Proposes setup commands and gates from the lockfile and test script a project has (fixed texts), and asks which are wanted: a
 * user at a terminal, or `--yes`; without either none is taken, and that is said.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandGate } from '../app/config/config.ts';
import type { Config } from '../app/config/load.ts';
import { shellWord } from '../core/shell-word.ts';
import { readIfPresent } from '../files/present.ts';

/** What could go into config.json. `because` names the files that led to it. */
export type Proposals = {
  readonly setup: readonly { readonly command: string; readonly because: string }[];
  readonly gates: readonly { readonly gate: Omit<CommandGate, 'agent'>; readonly because: string }[];
};

export const NO_PROPOSALS: Proposals = { setup: [], gates: [] };

/** Looks at the top directory of the project only. `hooks`: a directory of hooks that worktrees will not have. */
export function propose(root: string, hooks: string | null = null): Proposals {
  const has = (name: string) => existsSync(join(root, name));
  const packages = proposeSetup(root, has);
  return {
    setup: [...broughtByGit(root, has), ...packages, ...copiedHooks(root, hooks)],
    gates: proposeGates(root, has),
  };
}

/** What git brings into a checkout only when it is asked to; before packages, which may come from there. */
function broughtByGit(root: string, has: Has): Proposals['setup'] {
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
function copiedHooks(root: string, hooks: string | null): Proposals['setup'] {
  const prepares = textAt(objectAt(readPackage(root), 'scripts'), 'prepare') !== '';
  return hooks === null || hooks.startsWith('.git/') || prepares
    ? []
    : [{ command: copyHooks(hooks), because: 'core.hooksPath' }];
}

type Has = (name: string) => boolean;

/** One setup command per package manager: the first of its files that is there decides. */
function proposeSetup(root: string, has: Has): Proposals['setup'] {
  const families: readonly (readonly (readonly [string, string])[])[] = [
    [
      ['pnpm-lock.yaml', 'pnpm install --frozen-lockfile'],
      ['bun.lock', 'bun install --frozen-lockfile'],
      ['bun.lockb', 'bun install --frozen-lockfile'],
      ['yarn.lock', isModernYarn(root, has) ? 'yarn install --immutable' : 'yarn install --frozen-lockfile'],
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
  return families.flatMap((family) => {
    const found = family.find(([file]) => has(file));
    return found === undefined ? [] : [{ command: found[1], because: found[0] }];
  });
}

function isModernYarn(root: string, has: Has): boolean {
  return has('.yarnrc.yml') || /^yarn@[2-9]/.test(textAt(readPackage(root), 'packageManager'));
}

/** The project's own test command: the first kind of project that fits. */
function proposeGates(root: string, has: Has): Proposals['gates'] {
  const finders: readonly (() => readonly [string, string] | null)[] = [
    () => packageTest(root, has),
    () => (/^test\s*:/m.test(readText(join(root, 'Makefile'))) ? ['make test', 'Makefile'] : null),
    () => (has('Cargo.toml') ? ['cargo test', 'Cargo.toml'] : null),
    () => (has('go.mod') ? ['go test ./...', 'go.mod'] : null),
    () => pytest(root, has),
  ];
  for (const find of finders) {
    const found = find();
    if (found === null) continue;
    const [command, because] = found;
    return [{ gate: { name: 'test', command, cwd: '.', timeoutSeconds: 900 }, because }];
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

/** package.json as far as it can be read; what can't be read proposes nothing. */
function readPackage(root: string): unknown {
  try {
    return JSON.parse(readText(join(root, 'package.json')));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

function objectAt(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : null;
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
  const old = {
    setup: proposals.setup.filter(({ command }) => current.worktree.setup.includes(command)),
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
