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

/** The bundled command line that launchers, windows and workers call with {@link process.execPath}. */
export const CLI_ENTRY = join(PACKAGE_ROOT, 'dist', 'cli.js');

/** A shell script that runs this very command line with `words` (shell words, as they are); `maker` is who wrote it, and what for. */
export function launcherText(maker: string, words: string): string {
  const quoted = [process.execPath, CLI_ENTRY].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  return `#!/bin/sh\n# Made by ${maker}.\nexec ${quoted.join(' ')} ${words}\n`;
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
