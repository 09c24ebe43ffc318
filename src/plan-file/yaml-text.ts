/** Parses YAML (and so JSON) text into nodes within bounds: size, depth and number of errors; knows nothing of plans. */
import type { Document } from 'yaml';
import { Composer, Lexer, LineCounter, Parser } from 'yaml';
import { messageOf } from '../core/errors.ts';
import type { PlanFileProblem } from './types.ts';

/** Greatest size of a plan file in bytes. */
export const MAX_PLAN_BYTES = 5 * 1024 * 1024;
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
