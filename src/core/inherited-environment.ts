/** What of the starter's environment everything that we run inherits: all that plain git and npm would obey in that terminal. */

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What would redirect git to the caller's repository, as `git rev-parse --local-env-vars` lists it, and what git itself
 * tells its hooks. Who commits, how git reaches others (GIT_SSH_COMMAND …) and settings given by the environment stay.
 */
const REPOSITORY_OF_CALLER = new RegExp(
  `^GIT_(${[
    '(ALTERNATE_)?OBJECT_DIRECTOR(Y|IES)|CONFIG|ATTR_SOURCE',
    'DIR|COMMON_DIR|WORK_TREE|IMPLICIT_WORK_TREE|INDEX_FILE|PREFIX|INTERNAL_SUPER_PREFIX|NAMESPACE|CEILING_DIRECTORIES',
    'GRAFT_FILE|SHALLOW_FILE|NO_REPLACE_OBJECTS|REPLACE_REF_BASE|QUARANTINE_PATH|EXEC_PATH|REFLOG_ACTION|OPTIONAL_LOCKS',
  ].join('|')})$`,
);

/** What npm tells its scripts of the one that it runs; `npm_config_…` beside these is the user's configuration. */
const NPM_RUN =
  /^(npm_(lifecycle|package)_.*|npm_(command|execpath|node_execpath|config_local_prefix)|INIT_CWD)$/i;

/** Settings that say where the repository is. */
const REDIRECTING = /^core\.(bare|worktree)$/i;

/** One setting of GIT_CONFIG_PARAMETERS: quoted as git does it, key and value together or apart. */
const PARAMETER = /'(?:[^']|'\\['!]')*'(?:=(?:'(?:[^']|'\\['!]')*')?)?\s*/g;

/** The variables that everything of ours gets from `base`; order and values stay. */
export function inheritedEnvironment(base: Environment): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value !== undefined && !REPOSITORY_OF_CALLER.test(name) && !NPM_RUN.test(name)) env[name] = value;
  }
  const parameters = env['GIT_CONFIG_PARAMETERS'];
  if (parameters === undefined) return withoutRedirects(env);
  const kept = parameters.replace(PARAMETER, (entry) =>
    REDIRECTING.test(/^'([^'=]*)/.exec(entry)?.[1] ?? '') ? '' : entry,
  );
  if (kept.trim() === '') delete env['GIT_CONFIG_PARAMETERS'];
  else env['GIT_CONFIG_PARAMETERS'] = kept.trimEnd();
  return withoutRedirects(env);
}

/** The settings of GIT_CONFIG_COUNT without those that redirect, renumbered; what git would refuse is left for git to name. */
function withoutRedirects(env: Record<string, string>): Record<string, string> {
  const pairs: (readonly [key: string, value: string | undefined])[] = [];
  const count = Number(env['GIT_CONFIG_COUNT'] ?? 0);
  for (let index = 0; index < count; index += 1) {
    const key = env[`GIT_CONFIG_KEY_${index}`];
    if (key === undefined) return env;
    pairs.push([key, env[`GIT_CONFIG_VALUE_${index}`]]);
  }
  const kept = pairs.filter(([key]) => !REDIRECTING.test(key));
  if (kept.length === pairs.length) return env;
  const rest = Object.entries(env).filter(([name]) => !/^GIT_CONFIG_(COUNT|KEY_\d+|VALUE_\d+)$/.test(name));
  const numbered = kept.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    ...(value === undefined ? [] : [[`GIT_CONFIG_VALUE_${index}`, value]]),
  ]);
  return Object.fromEntries([...rest, ['GIT_CONFIG_COUNT', String(kept.length)], ...numbered]);
}
