/** Tells cac the commands and options of the table. */
import { type CAC, cac } from 'cac';
import {
  type ArgumentDefinition,
  type CommandDefinition,
  GLOBAL_OPTIONS,
  type OptionDefinition,
} from '../commands/definition.ts';

/** A cac instance that knows every command of the table; help and version are ordinary options of it. */
export function declareCommands(table: readonly CommandDefinition[]): CAC {
  const cli = cac('orchestrate');
  // What was not given stays absent: cac would set `color` for `--no-color`.
  cli.globalCommand.ignoreOptionDefaultValue();
  for (const option of GLOBAL_OPTIONS) cli.option(declaredOption(option), option.description);
  for (const { name, summary, args, options, examples } of table) {
    const command = cli.command([name, ...args.map(declaredArgument)].join(' '), summary);
    for (const option of options) command.option(declaredOption(option), option.description);
    for (const example of examples) command.example(example);
  }
  return cli;
}

/** An option in cac's notation, as in `-n, --lines <N>`. */
export function declaredOption({ name, short, value, valueOptional }: OptionDefinition): string {
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
  if (value === undefined) return names;
  return valueOptional ? `${names} [${value}]` : `${names} <${value}>`;
}

function declaredArgument({ name, required, variadic }: ArgumentDefinition): string {
  const form = variadic ? `...${name}` : name;
  return required ? `<${form}>` : `[${form}]`;
}
