/** Where a preset's secrets come from: the environment, else a file that nobody else can read. No message here quotes one. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Config, NotifyPreset } from '../app/config/config.ts';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { shellWord } from '../core/shell-word.ts';
import { isAbsent } from '../files/present.ts';

/** What a preset may need to know; null where nobody said. */
export type Secrets = {
  readonly url: string | null;
  readonly token: string | null;
  readonly chat: string | null;
  readonly answersUrl: string | null;
};

/** Variables of the environment that go before the file; no agent, gate or set-up command inherits them. */
const SECRET_VARIABLES: Readonly<Record<keyof Secrets, string>> = {
  url: 'ORCHESTRATE_NOTIFY_URL',
  token: 'ORCHESTRATE_NOTIFY_TOKEN',
  chat: 'ORCHESTRATE_NOTIFY_CHAT',
  answersUrl: 'ORCHESTRATE_NOTIFY_ANSWERS_URL',
};
const NAMES = Object.keys(SECRET_VARIABLES) as readonly (keyof Secrets)[];

/** Which of them a preset cannot do without. */
const NEEDED: Readonly<Record<NotifyPreset, readonly (keyof Secrets)[]>> = {
  desktop: [],
  ntfy: ['url'],
  slack: ['url'],
  telegram: ['token', 'chat'],
  webhook: ['url'],
};

/** Those variables of an environment: they have to travel to a poller of ours that is started elsewhere, and to nobody else. */
export function secretVariables(env: Place['env']): Record<string, string> {
  const found = Object.values(SECRET_VARIABLES).map((name) => [name, env[name]] as const);
  return Object.fromEntries(found.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

type Settings = Pick<Config['notify'], 'preset' | 'secretFile' | 'answers'>;
type Place = { readonly root: string; readonly env: Readonly<Record<string, string | undefined>> };

const LARGEST_FILE = 64 * 1024;

/**
 * The secrets of the configured preset. Throws exit 3 for a file that others can read or that is not there, exit 7 for a
 * secret that is missing or that cannot be what it has to be.
 */
export function readSecrets(settings: Settings, place: Place): Secrets {
  const file = secretFile(settings, place);
  const kept = readFile(file, settings.secretFile !== null);
  const of = (name: keyof Secrets): string | null =>
    place.env[SECRET_VARIABLES[name]]?.trim() || kept[name] || null;
  const secrets = { url: of('url'), token: of('token'), chat: of('chat'), answersUrl: of('answersUrl') };
  checkSecrets(settings, secrets, file);
  return secrets;
}

/** The file's place: configured (from `~` or the project), else in the user's own configuration directory. */
function secretFile({ secretFile: file }: Settings, { root, env }: Place): string {
  const home = env['HOME'] || homedir();
  if (file === null)
    return join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'orchestrate', 'notify.json');
  return file === '~' || file.startsWith('~/') ? join(home, file.slice(1)) : resolve(root, file);
}

function readFile(path: string, isNamed: boolean): Partial<Secrets> {
  let handle: number;
  try {
    // A pipe that nobody writes to is not waited for.
    handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isAbsent(error) && !isNamed) return {};
    throw new OrchestrateError(
      EXIT.environment,
      `notify.secretFile ${path} cannot be read: ${messageOf(error)}`,
      isAbsent(error) ? 'make it, readable for you alone' : `chmod 600 ${shellWord(path)}`,
    );
  }
  try {
    const stats = fstatSync(handle);
    const isOurs = process.getuid === undefined || stats.uid === process.getuid() || stats.uid === 0;
    if (!stats.isFile() || stats.size > LARGEST_FILE) throw unfit(path, 'it is no small file');
    if (!isOurs) throw unfit(path, 'it belongs to someone else');
    if ((stats.mode & 0o077) !== 0) {
      const why = `others may read ${path}: its secrets are not used`;
      throw new OrchestrateError(EXIT.environment, why, `chmod 600 ${shellWord(path)}`);
    }
    return parse(path, readFileSync(handle, 'utf8'));
  } finally {
    closeSync(handle);
  }
}

function unfit(path: string, why: string): OrchestrateError {
  const fix = `write it as {"url": "…", "token": "…"} with any of: ${NAMES.join(', ')}`;
  return new OrchestrateError(EXIT.input, `the secrets in ${path} cannot be used: ${why}`, fix);
}

/** What the parser says of a wrong text quotes it, and is left out. */
function parse(path: string, text: string): Partial<Secrets> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw unfit(path, 'it is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unfit(path, 'it is no object');
  for (const [name, each] of Object.entries(value)) {
    if (!NAMES.some((known) => known === name)) throw unfit(path, 'it has a key that is not known');
    if (typeof each !== 'string') throw unfit(path, `"${name}" is no text`);
  }
  return value;
}

type Shape = (text: string | null, preset: NotifyPreset) => boolean;
const given =
  (holds: (text: string, preset: NotifyPreset) => boolean): Shape =>
  (text, preset) =>
    text === null || holds(text, preset);

/** What has to hold of each that is given; the address of ntfy ends in its topic. */
const SHAPES: Readonly<Record<keyof Secrets, Shape>> = {
  url: given((text, preset) => isAddress(text) && (preset !== 'ntfy' || topicOf(text) !== null)),
  token: given((text, preset) =>
    preset === 'telegram' ? /^\d+:[A-Za-z0-9_-]{8,}$/.test(text) : /^[\x21-\x7e]+$/.test(text),
  ),
  chat: given((text) => /^(-?\d+|@\w+)$/.test(text)),
  answersUrl: given((text) => isAddress(text) && topicOf(text) !== null),
};

function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

/** An ntfy topic's address as its server and the topic; null when it is none. */
export function topicOf(url: string): { readonly server: string; readonly topic: string } | null {
  const found = /^(https?:\/\/[^?#]+)\/([A-Za-z0-9_-]{1,64})$/.exec(url);
  const [, server, topic] = found ?? [];
  return server === undefined || topic === undefined ? null : { server, topic };
}

function checkSecrets({ preset, answers }: Settings, secrets: Secrets, file: string): void {
  if (preset === null) return;
  if (answers && preset !== 'ntfy') {
    const why = `"notify.answers" works with the preset ntfy only, not with ${preset}`;
    throw new OrchestrateError(EXIT.input, why, 'set "notify.answers" to false in config.json');
  }
  const needed = [...NEEDED[preset], ...(answers ? (['answersUrl'] as const) : [])];
  const missing = needed.find((name) => secrets[name] === null);
  if (missing !== undefined) throw unusable(preset, missing, 'is missing', file);
  const wrong = NAMES.find((name) => !SHAPES[name](secrets[name], preset));
  if (wrong !== undefined) throw unusable(preset, wrong, 'is not what it should be', file);
  if (answers && secrets.answersUrl === secrets.url) {
    const why = 'answers come by the topic that notices go to: each notice would be read as an answer';
    const fix = `give answers a topic of their own: ${SECRET_VARIABLES.answersUrl}`;
    throw new OrchestrateError(EXIT.input, why, fix);
  }
}

function unusable(preset: NotifyPreset, name: keyof Secrets, why: string, file: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.input,
    `the preset ${preset} cannot be used: its ${name} ${why}`,
    `set ${SECRET_VARIABLES[name]}, or "${name}" in ${file} (chmod 600); the guide says what it looks like`,
  );
}
