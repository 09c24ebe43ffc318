/** Writes the help of the whole and of each command out of the table. */
import {
  type ArgumentDefinition,
  type CommandDefinition,
  type CommandGroup,
  GLOBAL_OPTIONS,
  type OptionDefinition,
} from '../commands/definition.ts';

/** The overview; with `prefix` only the commands below that word. */
export function overview(groups: readonly CommandGroup[], prefix: string): string {
  const shown = groups
    .map(({ title, commands }) => ({
      title,
      commands: commands.filter(
        ({ name, hidden }) => hidden !== true && (prefix === '' || name.startsWith(`${prefix} `)),
      ),
    }))
    .filter(({ commands }) => commands.length > 0);
  const blocks = shown.map(
    ({ title, commands }) =>
      `${title}:\n${columns(commands.map((command) => [commandForm(command), command.summary]))}`,
  );
  return [
    'orchestrate: works through a plan of dependent streams with coding agents, in git worktrees and tmux windows',
    `Usage: orchestrate ${prefix === '' ? '<command>' : `${prefix} <command>`} [options]`,
    ...blocks,
    `Global options:\n${columns(GLOBAL_OPTIONS.map(optionRow))}`,
    'Examples:\n  orchestrate init --yes\n  orchestrate import plan.yaml\n  orchestrate start\n  orchestrate status',
    'Help with a command and its examples: orchestrate <command> --help',
  ].join('\n\n');
}

/** The help of one command. */
export function commandHelp(command: CommandDefinition): string {
  const blocks = [
    `orchestrate ${command.name}: ${command.summary}`,
    `Usage: orchestrate ${[commandForm(command), ...command.options.map(usageForm)].join(' ')}`,
  ];
  const choices = command.args.filter((argument) => argument.choices !== undefined);
  if (choices.length > 0) {
    const rows = choices.map(
      (argument): Row => [argumentForm(argument), (argument.choices ?? []).join(', ')],
    );
    blocks.push(`Arguments:\n${columns(rows)}`);
  }
  if (command.options.length > 0) blocks.push(`Options:\n${columns(command.options.map(optionRow))}`);
  blocks.push(`Global options:\n${columns(GLOBAL_OPTIONS.map(optionRow))}`);
  blocks.push(`Examples:\n${command.examples.map((example) => `  ${example}`).join('\n')}`);
  return blocks.join('\n\n');
}

type Row = readonly [string, string];

function columns(rows: readonly Row[]): string {
  const width = Math.min(36, Math.max(...rows.map(([left]) => left.length)));
  return rows
    .map(([left, right]) => {
      const gap = left.length > width ? `\n  ${' '.repeat(width)}` : ' '.repeat(width - left.length);
      return `  ${left}${gap}  ${right}`;
    })
    .join('\n');
}

function commandForm(command: CommandDefinition): string {
  return [command.name, ...command.args.map(argumentForm)].join(' ');
}

function argumentForm({ name, required, variadic }: ArgumentDefinition): string {
  const form = variadic ? `${name}…` : name;
  return required ? `<${form}>` : `[${form}]`;
}

function valueForm(option: OptionDefinition): string {
  if (option.value === undefined) return '';
  return option.valueOptional ? ` [${option.value}]` : ` ${option.value}`;
}

function usageForm(option: OptionDefinition): string {
  return `[${option.short === undefined ? `--${option.name}` : `-${option.short}`}${valueForm(option)}]`;
}

function optionRow(option: OptionDefinition): Row {
  const short = option.short === undefined ? '    ' : `-${option.short}, `;
  const choices = option.choices === undefined ? '' : ` (${option.choices.join(', ')})`;
  return [`${short}--${option.name}${valueForm(option)}`, `${option.description}${choices}`];
}
