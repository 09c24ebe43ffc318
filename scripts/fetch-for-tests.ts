/** Fetches the programs of others that tests run, so that no test has to wait for them: Claude Code, and a newer Node. */
import { installClaude } from '../test/claude/support/install.ts';
import { otherNode } from '../test/support/other-node.ts';

await Promise.all([installClaude(), otherNode()]);
