/** Types lines into a pane without sending them: the caller looks once more before Enter does. */
import type { Client } from './client.ts';
import { checkPane } from './names.ts';
import { leaveMode, sendKey, typePieces } from './type-text.ts';

/**
 * Types the lines, Ctrl-J (a line feed, which programs that read a prompt take for a new line of it) between them. Throws
 * like `typeText`.
 */
export async function typeLines(
  client: Client,
  root: string,
  pane: string,
  lines: readonly string[],
): Promise<void> {
  checkPane(pane);
  await leaveMode(client, root, pane);
  for (const [i, line] of lines.entries()) {
    if (i > 0) await sendKey(client, root, pane, 'C-j');
    await typePieces(client, pane, line);
  }
}
