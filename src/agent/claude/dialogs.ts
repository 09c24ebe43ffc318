/** What Claude Code's screen tells: the dialogs with which it may greet a launch, a draft in its prompt; read sparingly, and only while no better channel speaks. */

/** What a dialog asks, and what the user types to deal with it for good. */
export type Dialog = { readonly detail: string; readonly remedy: string | null };

type KnownDialog = { readonly seen: RegExp } & Dialog;

/** What the user types to log in, in any terminal. */
export const LOGIN = 'claude auth login';

/** Typed in the project's main directory, where what is chosen holds for all its worktrees. */
const RUN_ONCE = 'claude';

/** In the order in which they come up. None is ever answered by us: most preselect the refusing answer. */
const DIALOGS: readonly KnownDialog[] = [
  {
    seen: /Choose the text style|Let.s get started/,
    detail:
      'Claude Code has not been set up for this user (first-run questions): answer them once, then /exit',
    remedy: RUN_ONCE,
  },
  {
    seen: /Unable to connect to Anthropic services/,
    detail: 'Claude Code cannot reach its service',
    remedy: 'check the network and the proxy settings',
  },
  {
    seen: /Select login method|Not logged in|Please run \/login/,
    detail: 'Claude Code is not logged in',
    remedy: LOGIN,
  },
  {
    seen: /Quick safety check|Yes, I trust this folder|Do you trust the files in this folder/,
    detail: 'Claude Code asks whether this project is trusted: accept once, then /exit',
    remedy: RUN_ONCE,
  },
  {
    seen: /New MCP servers? found in/,
    detail: 'Claude Code asks whether to use an MCP server of the project',
    remedy: null,
  },
  {
    seen: /Detected a custom API key in your environment/,
    detail: 'Claude Code asks whether to use the API key of the environment: choose once, then /exit',
    remedy: RUN_ONCE,
  },
  {
    seen: /WARNING: Claude Code running in Bypass Permissions mode/,
    detail: 'Claude Code asks to confirm that permissions are bypassed',
    remedy: null,
  },
  {
    seen: /Auto mode can.t check actions in this session/,
    detail: 'auto mode cannot check actions here (its safety check does not get through)',
    remedy: 'set "agent.permissions" to "acceptEdits" or "dontAsk" in .claude/orchestrator/config.json',
  },
];

/** The first known dialog on this screen (plain text of the pane), null when none is there. */
export function recogniseDialog(screen: string): Dialog | null {
  const flat = screen.replace(/\s+/g, ' ');
  const found = DIALOGS.find(({ seen }) => seen.test(flat));
  return found === undefined ? null : { detail: found.detail, remedy: found.remedy };
}

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

export type Screens = {
  /** The text of the run's pane, at most a second old; null when it cannot be read. */
  read(run: string, capture: () => Promise<string>): Promise<string | null>;
};

const FRESH_MS = 1_000;
/** Far more runs than ever start at once; older readings are forgotten. */
const KEPT = 256;

/** `nowMs` is the clock. */
export function createScreens(nowMs: () => number): Screens {
  const seen = new Map<string, { readonly atMs: number; readonly text: Promise<string | null> }>();
  return {
    read: (run, capture) => {
      const last = seen.get(run);
      if (last !== undefined && Math.abs(nowMs() - last.atMs) < FRESH_MS) return last.text;
      // A pane that cannot be read is a pane that says nothing: the next second it is asked again.
      const text = capture().catch(() => null);
      seen.delete(run);
      seen.set(run, { atMs: nowMs(), text });
      const oldest = seen.keys().next();
      if (seen.size > KEPT && oldest.done !== true) seen.delete(oldest.value);
      return text;
    },
  };
}
