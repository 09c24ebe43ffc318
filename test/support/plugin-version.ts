/** Another version of the plugin, as an update brings it: made of one that is there, without a build. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../src/files/sha256.ts';

/** Copies the plugin at `from` to `to` as `version`; its edition is another one also where the version is the same. Returns `to`. */
export function copyPlugin(from: string, to: string, version: string): string {
  cpSync(from, to, { recursive: true });
  const read = (file: string): string => readFileSync(join(to, file), 'utf8');
  const edit = (file: string, change: (text: string) => string): void =>
    writeFileSync(join(to, file), change(read(file)));
  const old: string = JSON.parse(read('.claude-plugin/plugin.json')).version;
  const [edition = ''] = read('program/edition').split('\n');
  const other = edition.split('').reverse().join('');
  for (const file of ['.claude-plugin/plugin.json', 'program/package.json'])
    edit(file, (text) => text.replace(`"version": "${old}"`, `"version": "${version}"`));
  const sum = sha256(readFileSync(join(to, 'program/package.json')));
  edit('program/edition', (text) =>
    text.replace(/^\w+ {2}package\.json$/m, `${sum}  package.json`).replace(edition, other),
  );
  edit('bin/orchestrate', (text) => text.replaceAll(edition, other).replaceAll(`/${old}`, `/${version}`));
  return to;
}
