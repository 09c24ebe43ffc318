/** Reads a file's text and parses it as YAML (and so JSON) within bounds: size, depth and number of errors; knows nothing of plans. */
import { createReadStream } from 'node:fs';
import type { Document } from 'yaml';
import { Composer, Lexer, LineCounter, Parser } from 'yaml';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';

/** One thing wrong with a plan file. */
export type PlanFileProblem = {
  /** Counted from 1; null where no line is to blame. */
  readonly line: number | null;
  /** Where in the plan, e.g. `streams[0].tasks[2].title`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
};

/** Greatest size of a plan file in bytes. */
const MAX_PLAN_BYTES = 5 * 1024 * 1024;
/** Greatest number of maps and lists within each other, each with its entries counted apart. */
const MAX_DEPTH = 100;

/** Parsed text: the document, and its line breaks. */
export type YamlText = { readonly document: Document.Parsed; readonly lines: LineCounter };

/** The one document of a text, or what is wrong with it, by line. */
export function parseYaml(text: string): YamlText | readonly PlanFileProblem[] {
  if (Buffer.byteLength(text) > MAX_PLAN_BYTES) {
    return [wholeFile(`it is larger than ${MAX_PLAN_BYTES / 1024 / 1024} MB`)];
  }
  const lines = new LineCounter();
  const documents: Document.Parsed[] = [];
  try {
    // Repeated keys are left to the caller: the composer's own check compares each key of a map with every other one.
    const composer = new Composer({ uniqueKeys: false, prettyErrors: false, version: '1.2' });
    for (const one of composer.compose(tokensOf(text, lines), true, text.length)) {
      if (documents.push(one) > 1) return [wholeFile('it holds more than one document')];
    }
  } catch (error) {
    return [wholeFile(error instanceof RangeError ? 'it is nested too deeply' : messageOf(error))];
  }
  const [document] = documents;
  if (document === undefined) return [wholeFile('it is empty')];
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length === 0) return { document, lines };
  return wrong.map((error) => ({ line: lines.linePos(error.pos[0]).line, path: '', message: error.message }));
}

/** A problem that no line is to blame for. */
export function wholeFile(message: string): PlanFileProblem {
  return { line: null, path: '', message };
}

/** Tokens as the parser makes them. Stops at a depth that no plan has, since composing recurses. */
function* tokensOf(text: string, lines: LineCounter) {
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > MAX_DEPTH) throw new RangeError('nested too deeply');
  }
  yield* parser.end();
}

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
