/** The tests of commands, part 2 of 6. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../cli`, 2, 6);
