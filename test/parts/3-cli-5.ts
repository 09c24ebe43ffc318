/** The tests of commands, part 5 of 6. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../cli`, 5, 6);
