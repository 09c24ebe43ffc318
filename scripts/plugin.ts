/** Makes the Claude Code plugin of templates/ and the bundle: writes plugin/ and the marketplace, or with `--check` says what of them is not as it would be made. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleAlone } from './build.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const NAME = 'orchestrate';
const AUTHOR = { name: 'The orchestrate authors' };
const PROGRAM = 'plugin/program';

/** What the plugin's files are made of besides each other, and only there: no part of the program. */
const OF_PLUGIN = 'plugin/';

type Files = Readonly<Record<string, string>>;

const { version, description, license, name: marketplace } = JSON.parse(read('package.json'));

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** The program as it is copied to where it lasts: bundle and templates, and a list of them that tells one build from another. */
async function programFiles(): Promise<Files> {
  const templates = readdirSync(join(root, 'templates'), { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith(OF_PLUGIN) && statSync(join(root, 'templates', name)).isFile())
    .map((name) => [`templates/${name}`, read(`templates/${name}`)]);
  const bundle = Object.entries(await bundleAlone()).map(([name, text]) => [`dist/${name}`, text]);
  const files: Files = Object.fromEntries([
    ...[...bundle, ...templates].sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    ['LICENSE', read('LICENSE')],
    ['package.json', json({ name: marketplace, version, license, private: true })],
  ]);
  const sums = Object.entries(files).map(([name, text]) => `${hash(text)}  ${name}\n`);
  return { ...files, edition: `${hash(sums.join('')).slice(0, 12)}\n${sums.join('')}` };
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The slash command as a skill: it calls the program by its name, which is on the PATH of a session with the plugin. */
function skill(): string {
  const [head = '', ...body] = read('templates/commands/orchestrate.md').split('\n---\n');
  const text = `${head.replace('---\n', `---\nname: ${NAME}\n`)}\n---\n${body.join('\n---\n')}`;
  return (
    text
      .replace(/ If it is not there, [^.]*\./, ' If the shell does not find it, say so, and stop.')
      // What the user is to type in a terminal, where the plugin has no command, stays.
      .replaceAll(/\.claude\/orchestrator\/orchestrate(?! attach)/g, NAME)
  );
}

/**
 * The plugin's own command, POSIX sh: another orchestrate on PATH, else the copy of this program that lasts, else this
 * program. Passed over on PATH: itself and other plugins' (each would look for the other), and what has called it already.
 */
const command = (edition: string): string => `#!/bin/sh
# Made by "npm run plugin".
real() {
  file=$1
  while [ -L "$file" ]; do
    link=$(readlink "$file")
    case $link in /*) file=$link ;; *) file=\${file%/*}/$link ;; esac
  done
  (CDPATH='' cd -- "\${file%/*}/.." 2>/dev/null && pwd -P)
}
case $0 in */*) here=$(real "$0") ;; *) here=$(real "$(command -v -- "$0")") ;; esac
rest=$PATH:
while [ -z "$ORCHESTRATE_BY_PLUGIN" ] && [ -n "$rest" ]; do
  other=\${rest%%:*}/${NAME} rest=\${rest#*:}
  case $other in /*) ;; *) continue ;; esac
  [ -f "$other" ] && [ -x "$other" ] && [ ! -f "$(real "$other")/.claude-plugin/plugin.json" ] || continue
  ORCHESTRATE_BY_PLUGIN=1
  export ORCHESTRATE_BY_PLUGIN
  exec "$other" "$@"
done
case $XDG_DATA_HOME in /*) data=$XDG_DATA_HOME ;; *) data=$HOME/.local/share ;; esac
program=$here/program
for place in "$data/${NAME}/${version}" "$data/${NAME}/${version}-${edition}"; do
  [ -f "$place/dist/cli.js" ] && [ -f "$place/dist/main.js" ] && read -r found <"$place/edition" && [ "$found" = ${edition} ] && program=$place
done
if ! command -v node >/dev/null; then
  echo "${NAME}: error: Node is missing" >&2
  echo '  fix: install Node 22.13 or newer (https://nodejs.org)' >&2
  exit 3
fi
exec node "$program/dist/cli.js" "$@"
`;

/** All files, by path from the top of the repository. */
async function pluginFiles(): Promise<Files> {
  const program = await programFiles();
  const edition = program['edition']?.split('\n')[0] ?? '';
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Claude Code fills it in
  const server = { command: '${CLAUDE_PLUGIN_ROOT}/bin/orchestrate', args: ['mcp'] };
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Claude Code fills it in
  const run = 'exec "${CLAUDE_PLUGIN_ROOT}"/bin/orchestrate events --follow --for-claude 2>/dev/null';
  // A child of Claude Code itself, so that it ends with a session that was killed; silent where there is no Node.
  const events = `command -v node >/dev/null || exit 0; ${run}`;
  const monitor = { name: 'events', command: events, description: 'what agents of this plan need' };
  return {
    '.claude-plugin/marketplace.json': json({
      name: marketplace,
      owner: AUTHOR,
      metadata: { description },
      plugins: [{ name: NAME, source: './plugin', description }],
    }),
    'plugin/.claude-plugin/plugin.json': json({
      ...{ name: NAME, version, description, author: AUTHOR, license },
      experimental: { monitors: './monitors/monitors.json' },
    }),
    'plugin/monitors/monitors.json': json([monitor]),
    'plugin/.mcp.json': json({ mcpServers: { 'task-copilot': server } }),
    'plugin/README.md': read('templates/plugin/README.md'),
    'plugin/LICENSE': read('LICENSE'),
    'plugin/agents/ta.md': read('templates/agents/ta.md'),
    [`plugin/skills/${NAME}/SKILL.md`]: skill(),
    [`plugin/bin/${NAME}`]: command(edition),
    ...Object.fromEntries(Object.entries(program).map(([name, text]) => [`${PROGRAM}/${name}`, text])),
  };
}

const EXECUTABLE = [`plugin/bin/${NAME}`, `${PROGRAM}/dist/cli.js`];

/** What lies in plugin/ and was not made by us; what is made there when the program runs does not count. */
function strangers(files: Files): readonly string[] {
  if (!existsSync(join(root, 'plugin'))) return [];
  return readdirSync(join(root, 'plugin'), { recursive: true, encoding: 'utf8' })
    .map((name) => join('plugin', name))
    .filter(
      (name) => !(name in files) && !name.includes('.code-cache') && statSync(join(root, name)).isFile(),
    );
}

function isRight(file: string, text: string): boolean {
  const path = join(root, file);
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) return false;
  return !EXECUTABLE.includes(file) || (statSync(path).mode & 0o100) !== 0;
}

const files = await pluginFiles();
const wrong = Object.entries(files).filter(([file, text]) => !isRight(file, text));
const extra = strangers(files);
if (process.argv.includes('--check')) {
  for (const [file] of wrong) console.error(`${file}: not what is made of templates/ and src/`);
  for (const file of extra) console.error(`${file}: nothing makes it`);
  const sound = wrong.length + extra.length === 0;
  console.error(sound ? 'plugin: as it is made' : 'plugin: make it again with: npm run plugin');
  process.exitCode = sound ? 0 : 1;
} else {
  for (const file of extra) rmSync(join(root, file));
  for (const [file, text] of wrong) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
    chmodSync(join(root, file), EXECUTABLE.includes(file) ? 0o755 : 0o644);
  }
  console.error(`plugin: ${wrong.length + extra.length} files changed`);
}
