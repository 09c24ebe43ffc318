/** The environment and configuration every git child gets, so that nothing but our arguments decides what it does. */

/** Every child carries this variable, so that those a dead poller left behind can be found. */
const MARK_VARIABLE = 'ORCHESTRATE_MARK';

/**
 * Settings that win over every configuration file: nothing of the repository runs (hooks, fsmonitor), signing and
 * background maintenance stay away, refs and commits survive a power cut, names come as they are.
 */
const OVERRIDES: Readonly<Record<string, string>> = {
  'core.fsmonitor': 'false',
  'core.hooksPath': '/dev/null',
  'core.fsync': 'committed,reference',
  'core.quotePath': 'false',
  'commit.gpgSign': 'false',
  'i18n.commitEncoding': 'UTF-8',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'checkout.workers': '2',
  'advice.detachedHead': 'false',
};

export type EnvironmentRequest = {
  /** The environment orchestrate itself runs in. */
  readonly base: Readonly<Record<string, string | undefined>>;
  readonly mark: string | null;
  /** The project's top level: git never looks for a repository above it. */
  readonly ceiling: string;
  /** Reads take no lock, not even to refresh the index. */
  readonly writes: boolean;
  /** Variables of this one command (`GIT_DIR`, `GIT_INDEX_FILE`); they win. */
  readonly extra: Readonly<Record<string, string>>;
  /** Settings of this one command; they win over `OVERRIDES`. */
  readonly config: Readonly<Record<string, string>>;
};

/** The complete environment of one git child. Every inherited `GIT_*` is dropped. */
export function gitEnvironment(request: EnvironmentRequest): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.base)) {
    if (value !== undefined && !name.startsWith('GIT_')) env[name] = value;
  }
  if (request.mark !== null) env[MARK_VARIABLE] = request.mark;
  env['LC_ALL'] = 'C';
  env['GIT_TERMINAL_PROMPT'] = '0';
  env['GIT_CEILING_DIRECTORIES'] = request.ceiling;
  if (!request.writes) env['GIT_OPTIONAL_LOCKS'] = '0';
  const settings = Object.entries({ ...OVERRIDES, ...request.config });
  env['GIT_CONFIG_COUNT'] = String(settings.length);
  for (const [index, [key, value]] of settings.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return { ...env, ...request.extra };
}
