/** Tells from Claude Code's screen whether someone has begun to type in its prompt. */

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: terminal sequences are what is looked at
/** The prompt's line: its mark, and not on the ground on which what was said before is shown. */
const PROMPT = /^(?<before>(?:\u001b\[[\d;]*m)*)❯[ \u00a0](?<text>.*)$/;
const ON_A_GROUND = /\u001b\[(?:\d+;)*48;/;
/** At the beginning of the text stands the cursor, or a proposal in faint letters: nothing was typed. */
const CURSOR_OR_FAINT = /^(?:\u001b\[[\d;]*m)*?\u001b\[(?:\d+;)*[27]m/;
const SEQUENCES = /\u001b\[[\d;]*m/g;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: as above

/** True when the last prompt on the screen (with its colours) holds text. A screen that is not understood holds none. */
export function hasDraft(screen: string): boolean {
  const prompts = screen.split('\n').flatMap((line) => {
    const found = PROMPT.exec(line)?.groups;
    return found === undefined || ON_A_GROUND.test(found['before'] ?? '') ? [] : [found['text'] ?? ''];
  });
  const last = prompts.at(-1);
  if (last === undefined || CURSOR_OR_FAINT.test(last)) return false;
  return last.replace(SEQUENCES, '').trim() !== '';
}
