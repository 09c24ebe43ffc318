/** The tests of commands, part 3 of 4. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../cli`, 3, 4);
