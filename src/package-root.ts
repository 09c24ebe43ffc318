/** Where this package is installed: its templates, its version and the command line to call it by. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Top directory of the package; right from `src/` and from the flat bundle in `dist/` alike. */
export const PACKAGE_ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The bundled command line that launchers, windows and workers call with {@link process.execPath}. */
export const CLI_ENTRY = join(PACKAGE_ROOT, 'dist', 'cli.js');

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
