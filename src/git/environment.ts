/** The environment and configuration every git child gets, so that our own calls do what they say whatever the user's settings are. */
import { inheritedEnvironment } from '../core/inherited-environment.ts';

/** Every child carries this variable, so that those a dead poller left behind can be found. */
export const MARK_VARIABLE = 'ORCHESTRATE_MARK';

/**
 * Settings that win over every configuration file: nothing of the repository runs (hooks, fsmonitor), signing and
 * background maintenance stay away, refs and commits survive a power cut, names come as they are.
 */
const OVERRIDES: Readonly<Record<string, string>> = {
  'core.fsmonitor': 'false',
  'core.hooksPath': '/dev/null',
  // Changes are seen by all that the file system says of a file.
  'core.trustctime': 'true',
  'core.checkStat': 'default',
  'core.fsync': 'committed,reference',
  'core.quotePath': 'false',
  'commit.gpgSign': 'false',
  'i18n.commitEncoding': 'UTF-8',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'checkout.workers': '2',
  'advice.detachedHead': 'false',
};

/** Variables that would change what our calls mean or print: those are read by us, not by the user. */
const MEANING =
  /^GIT_(EXTERNAL_DIFF|DIFF_OPTS|DIFF_PATH_.*|(LITERAL|GLOB|NOGLOB|ICASE)_PATHSPECS|TRACE.*|CURL_VERBOSE|MERGE_VERBOSITY|PAGER.*|ADVICE|FLUSH|REDIRECT_.*)$/;

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

/**
 * The complete environment of one git child: the starter's, as far as it is inherited, with our settings on top. They go
 * where git reads last, after a `git -c` or GIT_CONFIG_COUNT of the starter.
 */
export function gitEnvironment(request: EnvironmentRequest): Record<string, string> {
  const inherited = Object.entries(inheritedEnvironment(request.base));
  const env = Object.fromEntries(inherited.filter(([name]) => !MEANING.test(name)));
  if (request.mark !== null) env[MARK_VARIABLE] = request.mark;
  env['LC_ALL'] = 'C';
  env['GIT_TERMINAL_PROMPT'] = '0';
  env['GIT_CEILING_DIRECTORIES'] = request.ceiling;
  if (!request.writes) env['GIT_OPTIONAL_LOCKS'] = '0';
  const settings = Object.entries({ ...OVERRIDES, ...request.config }).map(
    ([key, value]) => `${quoted(key)}=${quoted(value)}`,
  );
  const theirs = env['GIT_CONFIG_PARAMETERS'];
  env['GIT_CONFIG_PARAMETERS'] = [...(theirs === undefined ? [] : [theirs]), ...settings].join(' ');
  return { ...env, ...request.extra };
}

/** As git quotes its parameters. */
function quoted(text: string): string {
  return `'${text.replace(/['!]/g, "'\\$&'")}'`;
}
