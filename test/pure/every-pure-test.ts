/** Every test of this folder in one process: they touch nothing outside, and starting a process for each takes longer than most of them. */
import { readdirSync } from 'node:fs';

const names = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'));
for (const name of names.sort()) await import(`./${name}`);
