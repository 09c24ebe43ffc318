/** Recognises, in the text of a pane, the dialogs with which Claude Code may greet a launch; used only while no better channel speaks. */

/** What a dialog asks, and what a person types to deal with it for good. */
export type Dialog = { readonly detail: string; readonly remedy: string | null };

type KnownDialog = { readonly seen: RegExp } & Dialog;

const RUN_ONCE =
  "run `claude` once in the project's main directory and accept, then `orchestrate retry` the stream";

/** In the order in which they come up. None is ever answered by us: most preselect the refusing answer. */
const DIALOGS: readonly KnownDialog[] = [
  {
    seen: /Choose the text style|Let.s get started/,
    detail: 'Claude Code has not been set up for this user (first-run questions)',
    remedy: RUN_ONCE,
  },
  {
    seen: /Unable to connect to Anthropic services/,
    detail: 'Claude Code cannot reach its service',
    remedy: 'check the network (and proxy settings), then retry',
  },
  {
    seen: /Select login method|Not logged in|Please run \/login/,
    detail: 'Claude Code is not logged in',
    remedy: 'run `claude` and type /login, then `orchestrate retry` the stream',
  },
  {
    seen: /Quick safety check|Yes, I trust this folder|Do you trust the files in this folder/,
    detail: 'Claude Code asks whether this project is trusted',
    remedy: RUN_ONCE,
  },
  {
    seen: /New MCP servers? found in/,
    detail: 'Claude Code asks whether to use an MCP server of the project',
    remedy: null,
  },
  {
    seen: /Detected a custom API key in your environment/,
    detail: 'Claude Code asks whether to use the API key of the environment',
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
    remedy:
      'set "agent.permissions" to "acceptEdits" or "dontAsk" in config.json, then `orchestrate retry` the stream',
  },
];

/** The first known dialog on this screen (plain text of the pane), null when none is there. */
export function recogniseDialog(screen: string): Dialog | null {
  const flat = screen.replace(/\s+/g, ' ');
  const found = DIALOGS.find(({ seen }) => seen.test(flat));
  return found === undefined ? null : { detail: found.detail, remedy: found.remedy };
}
