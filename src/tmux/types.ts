/** The door to tmux: one session per project, a window per stream, found by our tags; never told anything but fixed words and keys. */
import type { Known } from '../core/types.ts';

/** One pane that carries our tag for this project. */
export type PaneFact = {
  readonly id: string;
  readonly windowId: string;
  readonly session: string;
  /** `worker`, `summary` or `orchestrator`. */
  readonly role: string;
  /** Stream key for workers, else empty. */
  readonly key: string;
  readonly run: number;
  readonly pid: number;
  readonly dead: boolean;
  /** Exit status once dead; 128+n for a signal; null when tmux doesn't know it. */
  readonly exitCode: number | null;
};

/** A tmux server, told apart from a later one on the same socket: `socket|pid|start`. */
export type ServerIdentity = string;

/** A pane that was written down as a run's: on that server it is the run's, whatever its own tags say by now. */
export type RecordedPane = {
  readonly id: string;
  readonly server: ServerIdentity;
  readonly key: string;
  readonly run: number;
};

export type TmuxFacts = {
  /** Null when no server runs (a successful look that found none). */
  readonly server: ServerIdentity | null;
  /** Our session's name, null when it doesn't exist. */
  readonly session: string | null;
  readonly sessionId: string | null;
  readonly panes: readonly PaneFact[];
  /** Our session as people see it; absent when there is none, or when it could not be understood. */
  readonly view?: ViewFacts;
};

/** One pane of our session, whoever made it, with the window it is in. */
export type ViewPane = {
  readonly id: string;
  readonly windowId: string;
  readonly windowIndex: number;
  /** Among the panes of its window. */
  readonly position: number;
  /** Size of the window. */
  readonly columns: number;
  readonly rows: number;
  readonly zoomed: boolean;
  /** Some client looks at the window. */
  readonly watched: boolean;
  /** The window is the current one of our session. */
  readonly current: boolean;
  /** The pane is the active one of its window. */
  readonly active: boolean;
  /** Somebody scrolls or searches in it. */
  readonly inMode: boolean;
  /** As in `PaneFact`; empty for panes that aren't ours. */
  readonly role: string;
  /** Window into which the view put it, else empty. */
  readonly shownIn: string;
  /** Index of the window that it had before. */
  readonly place: number | null;
  /** What the view last made of the window: its size, and its panes in order. */
  readonly layout: string;
  readonly urgent: boolean;
  /** What the stream is called, as last written. */
  readonly name: string;
  readonly label: string;
};

/** What our session shows, and what the view keeps in options of it. */
export type ViewFacts = {
  readonly on: boolean;
  /** Pane that waits for the user, else empty. */
  readonly next: string;
  /** Pane of the summary as last written, else empty. */
  readonly summary: string;
  /** Workers for which there was no room, as last written. */
  readonly hidden: string;
  /** What the user asked for by a key of our session, else empty. */
  readonly request: string;
  readonly needs: string;
  readonly totals: string;
  /** In the order of windows, and of panes in them. */
  readonly panes: readonly ViewPane[];
};

/** A living worker as the view is to show it; texts are fixed words and numbers. */
export type ViewWorker = {
  readonly pane: string;
  readonly urgent: boolean;
  /** What the stream is called, without anything that could mean something to tmux; empty where that is its id. */
  readonly name: string;
  /** Symbol, state and age. */
  readonly label: string;
};

/** How the session is to look. */
export type ViewRequest = {
  /** Those that should be seen first come first. */
  readonly workers: readonly ViewWorker[];
  readonly limits: { readonly minWidth: number; readonly minHeight: number };
  /** For the status line: who waits for the user (or empty), and the totals; fixed words and numbers. */
  readonly needs: string;
  readonly totals: string;
};

export type OpenWindowRequest = {
  readonly key: string;
  readonly run: number;
  /** Directory holding the files `keeper` and `wrapper`; becomes the pane's working directory and is never put on tmux's command line. */
  readonly runDir: string;
  readonly keepOnExit: boolean;
};

export type Tmux = {
  /** `default`, the private server's name, or its path. */
  readonly socket: string;
  /** Exit 3 when tmux is missing or older than 3.2 (or of unknown version: explained). */
  checkVersion(): Promise<string>;
  /**
   * One `list-panes -a`. Unknown when tmux could not be asked. When the socket is gone though the server known from
   * `lastServer` lives, the socket is restored first (SIGUSR1). `recorded`: a worker may change the tags of its own pane,
   * so what was written down comes first.
   */
  look(lastServer: ServerIdentity | null, recorded?: readonly RecordedPane[]): Promise<Known<TmuxFacts>>;
  /** Finds our session by its tag or makes it (with the `status` window that runs the summary); returns its id and server. */
  ensureSession(): Promise<{ server: ServerIdentity; sessionId: string; session: string }>;
  /**
   * The server on which the last look saw our session with a living summary; null when it did not. A launch that follows
   * that look needs no other: should the session have ended since, `openWindow` finds that.
   */
  serverOfWholeSession(): ServerIdentity | null;
  /** Opens a window running `./keeper` of `runDir`, tagged, without taking focus; `pid` is the keeper's. */
  openWindow(request: OpenWindowRequest): Promise<{ pane: string; pid: number; server: ServerIdentity }>;
  /** Opens (or finds alive) the `orchestrator` window running the file `wrapper` in `runDir`. */
  openOrchestrator(runDir: string): Promise<{ pane: string; pid: number }>;
  /**
   * Types literal text and Enter into a pane; the text is data (no key names, no formats). False when `mayEnter`, asked
   * before Enter, kept that from it.
   */
  typeText(pane: string, text: string, mayEnter?: () => Promise<boolean>): Promise<boolean>;
  /** Types literal lines, line feeds between them, without Enter. */
  typeLines(pane: string, lines: readonly string[]): Promise<void>;
  sendKey(pane: string, key: 'Enter' | 'Escape' | 'Up' | 'Down' | 'C-c'): Promise<void>;
  /** The visible screen (`lines` of history too), `colours` keeps escapes. */
  capture(pane: string, options?: { history?: number; colours?: boolean }): Promise<string>;
  /**
   * Closes one pane of ours (and so its window when it is the last); a pane that is gone or not ours is left alone.
   * Left alone too when it is the pane of another run than `owner`: each server counts its ids from the start.
   */
  closePane(pane: string, owner: { readonly key: string; readonly run: number }): Promise<void>;
  /** Resolves when a worker's pane died or a window of ours closed; rejects when the signal cannot be waited for. */
  waitForSignal(abort: AbortSignal): Promise<void>;
  /** Hands the terminal to `tmux attach` (or switches the client when inside); resolves when it ends. */
  attach(pane: string | null): Promise<number>;
  /** The command the user types to attach. */
  attachCommand(): string;
  /** Where a server that was known before lives, if it does, and the command by which the user attaches to that pane there. */
  formerServer(
    server: ServerIdentity,
    pane: string,
  ): { readonly socketPath: string; readonly attachCommand: string } | null;
  /** Turns the view on or off; `arrangeView` makes it so. Throws exit 3 when there is no session. */
  setView(on: boolean): Promise<void>;
  /**
   * Brings windows, borders and status line of our session into the shape that `request` and the session's own setting ask
   * for, in one call, or none when they are. Panes that the user types into or scrolls stay where they are.
   */
  arrangeView(
    facts: TmuxFacts,
    request: ViewRequest,
  ): Promise<{ readonly shown: number; readonly hidden: number }>;
  /** Gives our session, and no other, its keys; false when this tmux could not take them. */
  bindKeys(): Promise<boolean>;
  /** Forgets what the user asked for by a key. */
  clearRequest(): Promise<void>;
  message(text: string): Promise<void>;
  /**
   * Has every terminal that shows our session act on a control sequence (a notification), which `sequenceFor` gives for a
   * kind of terminal; returns how many there are.
   */
  passThrough(sequenceFor: (terminal: string) => string): Promise<number>;
  /** Rings the bell of a living pane of ours, which marks its window. */
  bell(pane: string): Promise<void>;
};
