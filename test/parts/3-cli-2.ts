/** The tests of commands, part 2 of 4. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../cli`, 2, 4);
