/** The tests of commands, part 3 of 6. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../cli`, 3, 6);
