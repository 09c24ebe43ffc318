/** Where this package is installed: its templates, its version and the command line to call it by. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Top directory of the package: the nearest one above this file, in `src/` or in a bundle, that has our templates. */
export const PACKAGE_ROOT = packageAbove(dirname(fileURLToPath(import.meta.url)));

function packageAbove(directory: string): string {
  const parent = dirname(directory);
  if (parent === directory || existsSync(join(directory, 'templates'))) return directory;
  return packageAbove(parent);
}

/** The bundled command line of this package, which {@link process.execPath} runs. */
export const CLI_ENTRY = join(PACKAGE_ROOT, 'dist', 'cli.js');

/**
 * A shell script that runs the command line `program` with `words` (shell words, as they are); `maker` is who wrote it, and what
 * for. Node or this installation may move (an upgrade, another version manager): then what is on PATH is run, but no launcher
 * twice, which would go round for ever.
 */
export function launcherText(
  maker: string,
  words: string,
  program: readonly [node: string, cli: string],
): string {
  const [node, cli] = program.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
  const elsewhere = 'PATH=${PATH#"${0%/*}:"}; export PATH ORCHESTRATE_LAUNCHER=gone';
  return [
    '#!/bin/sh',
    `# Made by ${maker}.`,
    [
      `n=${node} c=${cli}; [ -x "$n" ] || n=node`,
      `[ -f "$c" ] && command -v "$n" >/dev/null && exec "$n" "$c" ${words}`,
      `[ "$ORCHESTRATE_LAUNCHER" ] || { ${elsewhere}; command -v orchestrate >/dev/null && exec orchestrate ${words}; }`,
      `echo "orchestrate: error: the program that $0 calls is gone: $n $c" >&2`,
      `echo '  fix: install orchestrate again, then: orchestrate init' >&2; exit 3`,
    ].join('; '),
    '',
  ].join('\n');
}

/** The absolute paths in the quoted words of a launcher's text; none in what is no launcher. */
export function programsOfLauncher(text: string): string[] {
  const words = (text.split('\n')[2] ?? '').matchAll(/'(\/(?:[^']|'\\'')*)'/g);
  return [...words].map(([, word = '']) => word.replaceAll(`'\\''`, "'"));
}

/** Absolute path of a file shipped in `templates/`. */
export function templatePath(name: string): string {
  return join(PACKAGE_ROOT, 'templates', name);
}

/** The version in package.json. */
export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '';
  return String(version);
}
