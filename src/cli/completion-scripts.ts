/** Writes the completion script of each shell out of the command table; stream ids are asked for when Tab is pressed. */
import {
  type ArgumentDefinition,
  type CommandDefinition,
  GLOBAL_OPTIONS,
  type OptionDefinition,
} from '../commands/definition.ts';

type Words = {
  readonly name: string;
  readonly options: readonly string[];
  /** Options that need a value: their spellings, and the values there are (none: anything). */
  readonly valued: readonly (readonly [
    spellings: readonly string[],
    values: readonly string[] | OptionDefinition['completes'],
  ])[];
  readonly choices: readonly string[];
  readonly completes: ArgumentDefinition['completes'];
};

/** The option whose value is a directory; the scripts treat it for all commands at once. */
const DIRECTORY = ['-C', '--directory'];

function spellingsOf({ name, short }: OptionDefinition): string[] {
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
}

function wordsOf(command: CommandDefinition): Words {
  const options = [...command.options, ...GLOBAL_OPTIONS];
  const needing = options.filter(
    ({ name, value, valueOptional }) =>
      value !== undefined && !valueOptional && !DIRECTORY.includes(`--${name}`),
  );
  return {
    name: command.name,
    options: options.flatMap(spellingsOf),
    valued: needing.map((option) => [spellingsOf(option), option.completes ?? option.choices ?? []]),
    choices: command.args.flatMap(({ choices }) => choices ?? []),
    completes: command.args.find(({ completes }) => completes !== undefined)?.completes,
  };
}

/** First words, and for each first word with commands below it, their second words. */
function firstWords(commands: readonly CommandDefinition[]): string[] {
  return [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? name))];
}

function secondWords(commands: readonly CommandDefinition[]): [string, string[]][] {
  const below = commands.filter(({ name }) => name.includes(' ')).map(({ name }) => name.split(' '));
  const parents = [...new Set(below.map(([parent = '']) => parent))];
  return parents.map((parent) => [
    parent,
    below.filter(([first]) => first === parent).map(([, second = '']) => second),
  ]);
}

/**
 * The bash script. Ids are untrusted: they are read line by line and quoted, once (`compopt`), never given to `compgen -W`, which
 * expands `$(…)`. A word that was begun comes with its backslashes.
 */
export function bashCompletion(commands: readonly CommandDefinition[]): string {
  const parents = secondWords(commands);
  const source = { streams: '_orchestrate_streams', files: '_orchestrate_files -f' };
  const cases = commands.map(wordsOf).map(({ name, options, valued, choices, completes }) => {
    const steps = [
      ...valueCases(valued, source.files, (values) => `_orchestrate_words ${values.join(' ')}`),
      `if [[ $cur == -* ]]; then _orchestrate_words ${options.join(' ')}; return; fi`,
      `_orchestrate_words ${choices.join(' ')}`,
      ...(completes === undefined ? [] : [source[completes]]),
    ];
    return `    '${name}')\n      ${steps.join('\n      ')}\n      ;;`;
  });
  return `# bash completion of orchestrate
_orchestrate_words() {
  local word
  for word in "$@"; do [[ $word == "$cur"* ]] && COMPREPLY+=("$word"); done
}
_orchestrate_streams() {
  local line word=$cur
  compopt +o filenames 2>/dev/null
  [[ $word == *\\\\* ]] && word=$(sed 's/\\\\\\(.\\)/\\1/g' <<< "$word")
  while IFS= read -r line; do COMPREPLY+=("$(printf %q "$line")"); done < <(
    ORCHESTRATE_WORD=$word orchestrate completion streams 2>/dev/null)
}
_orchestrate_files() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$1" -- "$cur")
}
_orchestrate() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} first='' second='' index
  COMPREPLY=()
  case $prev in ${DIRECTORY.join(' | ')}) _orchestrate_files -d; return ;; esac
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      -C | --directory) ((index++)) ;;
      -*) ;;
      *) if [[ -z $first ]]; then first=\${COMP_WORDS[index]}; elif [[ -z $second ]]; then second=\${COMP_WORDS[index]}; fi ;;
    esac
  done
  case $first in
    '') _orchestrate_words ${firstWords(commands).join(' ')}; return ;;
${parents.map(([parent, words]) => `    ${parent}) if [[ -z $second ]]; then _orchestrate_words ${words.join(' ')}; return; fi; first="$first $second" ;;`).join('\n')}
  esac
  case $first in
${cases.join('\n')}
  esac
}
complete -o filenames -F _orchestrate orchestrate
`;
}

/** The lines that end completion after an option that needs a value, with its values offered by `offer`, or `files`. */
function valueCases(
  valued: Words['valued'],
  files: string,
  offer: (values: readonly string[]) => string,
): string[] {
  if (valued.length === 0) return [];
  const arms = valued.map(([spellings, values]) => {
    const given = values === 'files' ? files : offer(values ?? []);
    const offered = values?.length === 0 ? '' : `${given}; `;
    return `${spellings.join(' | ')}) ${offered}return ;;`;
  });
  return [`case $prev in ${arms.join(' ')} esac`];
}

/** The zsh script; works both as a file in fpath and sourced. */
export function zshCompletion(commands: readonly CommandDefinition[]): string {
  const described = (name: string, summary: string) => `'${name.replaceAll(':', '\\:')}:${zshText(summary)}'`;
  const firsts = firstWords(commands).map((first) => {
    const command = commands.find(({ name }) => name === first);
    return described(first, command?.summary ?? `${first} commands`);
  });
  const parents = secondWords(commands).map(
    ([parent, words]) =>
      `    ${parent}) if (( CURRENT == 3 )); then compadd -- ${words.join(' ')}; return; fi; command="$command $words[3]" ;;`,
  );
  const source = {
    streams: '_orchestrate_streams',
    files: '_files',
  };
  const cases = commands.map(wordsOf).map(({ name, options, valued, choices, completes }) => {
    const steps = [
      ...valueCases(valued, source.files, (values) => `compadd -- ${values.join(' ')}`),
      `if [[ $words[CURRENT] == -* ]]; then compadd -- ${options.join(' ')}; return; fi`,
      ...(choices.length === 0 ? [] : [`compadd -- ${choices.join(' ')}`]),
      ...(completes === undefined ? [] : [source[completes]]),
    ];
    return `    '${name}')\n      ${steps.join('\n      ')}\n      ;;`;
  });
  return `#compdef orchestrate
# zsh completion of orchestrate
_orchestrate_streams() {
  local -a ids
  ids=("\${(@f)$(ORCHESTRATE_WORD=$words[CURRENT] orchestrate completion streams 2>/dev/null)}")
  [[ -z $ids[1] ]] || compadd -U -- "\${ids[@]}"
}
_orchestrate() {
  local prev=$words[CURRENT-1]
  case $prev in ${DIRECTORY.join(' | ')}) _files -/; return ;; esac
  local -a commands
  commands=(
    ${firsts.join('\n    ')}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command=$words[2]
  case $command in
${parents.join('\n')}
  esac
  case $command in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _orchestrate ]]; then _orchestrate "$@"; else compdef _orchestrate orchestrate; fi
`;
}

function zshText(text: string): string {
  return text.replaceAll("'", "'\\''");
}

/** The fish script. */
export function fishCompletion(commands: readonly CommandDefinition[]): string {
  const parents = new Map(secondWords(commands));
  const lines = ['# fish completion of orchestrate', 'complete -c orchestrate -f'];
  for (const first of firstWords(commands)) {
    const summary = commands.find(({ name }) => name === first)?.summary ?? `${first} commands`;
    lines.push(`complete -c orchestrate -n __fish_use_subcommand -a ${first} -d ${fishText(summary)}`);
  }
  for (const [parent, words] of parents) {
    const none = words.map((word) => `; and not __fish_seen_subcommand_from ${word}`).join('');
    lines.push(
      `complete -c orchestrate -n '__fish_seen_subcommand_from ${parent}${none}' -a '${words.join(' ')}'`,
    );
  }
  for (const command of commands) lines.push(...fishLines(command));
  return `${lines.join('\n')}\n`;
}

function fishLines(command: CommandDefinition): string[] {
  const seen = command.name
    .split(' ')
    .map((word) => `__fish_seen_subcommand_from ${word}`)
    .join('; and ');
  const condition = `complete -c orchestrate -n '${seen}'`;
  const lines = [...command.options, ...GLOBAL_OPTIONS].map((option) => {
    const short = option.short === undefined ? '' : ` -s ${option.short}`;
    const value = option.value === undefined || option.valueOptional ? '' : fishValue(option);
    return `${condition} -l ${option.name}${short}${value} -d ${fishText(option.description)}`;
  });
  const { choices, completes } = wordsOf(command);
  if (choices.length > 0) lines.push(`${condition} -a '${choices.join(' ')}'`);
  if (completes === 'streams') lines.push(`${condition} -a '(orchestrate completion streams 2>/dev/null)'`);
  if (completes === 'files') lines.push(`${condition} -F`);
  return lines;
}

/** That the option needs a value, and which: never a file by chance. */
function fishValue({ name, choices, completes }: OptionDefinition): string {
  if (completes === 'files') return ' -r -F';
  if (DIRECTORY.includes(`--${name}`)) return " -x -a '(__fish_complete_directories)'";
  return choices === undefined ? ' -x' : ` -x -a '${choices.join(' ')}'`;
}

function fishText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
