/** Reads the text of a plan file from disk, within the bound on its size. */
import { createReadStream } from 'node:fs';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { MAX_PLAN_BYTES } from './yaml-text.ts';

/**
 * The text of the file (or pipe) at `path`. Of a larger file than a plan may be only as much is read as shows that it is.
 * Throws exit 7 when it can't be read or is not UTF-8.
 */
export async function readPlanFile(path: string): Promise<string> {
  const shown = printable(path, 200);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { end: MAX_PLAN_BYTES }))
      chunks.push(Buffer.from(chunk));
  } catch (error) {
    const message = `the plan file ${shown} can't be read: ${messageOf(error)}`;
    throw new OrchestrateError(EXIT.input, message, 'orchestrate import plan.yaml', { cause: error });
  }
  const bytes = Buffer.concat(chunks);
  // The last character of a file cut off by the bound may be half: its size is refused, not its encoding.
  if (bytes.length > MAX_PLAN_BYTES) return bytes.toString('latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const message = `the plan file ${shown} is not text in UTF-8`;
    throw new OrchestrateError(EXIT.input, message, 'save it as UTF-8', { cause: error });
  }
}
