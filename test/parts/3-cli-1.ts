/** The tests of commands, part 1 of 6. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../cli`, 1, 6);
