/** Keys typed into a live view: they must not echo into the picture, and a few of them mean something. */

/** What is needed of an input stream (`process.stdin` fits). */
export type Keyboard = {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  off(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
};

/** Keys by what they send; everything else is swallowed. */
export type KeyActions = {
  readonly interrupt: () => void;
  readonly suspend: () => void;
  readonly redraw: () => void;
  readonly refresh: () => void;
  readonly quit: () => void;
};

const ACTION_OF: Readonly<Record<string, keyof KeyActions>> = {
  '\u0003': 'interrupt',
  '\u001a': 'suspend',
  '\u000c': 'redraw',
  r: 'refresh',
  q: 'quit',
};

/** Reads keys without echo until the returned function is called. An input that is no terminal is left alone. */
export function readKeys(input: Keyboard | null, actions: KeyActions): () => void {
  if (input?.isTTY !== true || input.setRawMode === undefined) return () => undefined;
  const onData = (bytes: Uint8Array): void => {
    for (const byte of bytes) {
      const action = ACTION_OF[String.fromCharCode(byte)];
      if (action !== undefined) actions[action]();
    }
  };
  input.setRawMode(true);
  input.on('data', onData);
  input.resume();
  return () => {
    input.off('data', onData);
    input.setRawMode?.(false);
    input.pause();
  };
}
