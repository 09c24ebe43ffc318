/** Several test files in one process: to start one and load the sources takes longer than many a file's tests. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Runs every `of`-th test file of the directory, from the `part`-th on (1 is the first). */
export async function runPart(directory: string, part: number, of: number): Promise<void> {
  const names = readdirSync(directory).filter((name) => name.endsWith('.test.ts'));
  for (const [index, name] of names.sort().entries())
    if (index % of === part - 1) await import(pathToFileURL(join(directory, name)).href);
}
