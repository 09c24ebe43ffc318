/** Writes templates/config.schema.json, the published JSON schema of config.json, out of the rules in src/app/config/config-schema.ts. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { publishedSchema } from '../src/app/config/config-schema.ts';

writeFileSync(fileURLToPath(new URL('../templates/config.schema.json', import.meta.url)), publishedSchema());
