/** The tests of commands, part 4 of 4. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../cli`, 4, 4);
