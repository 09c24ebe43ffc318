/** The tests of commands, part 6 of 6. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../cli`, 6, 6);
