/** The JSON schema of config.json as it is shipped for editors. */
import * as z from 'zod';
import { configSchema } from './config-schema.ts';

/** The text of `templates/config.schema.json`. */
export function publishedSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(configSchema, { io: 'input' }), null, 2)}\n`;
}
