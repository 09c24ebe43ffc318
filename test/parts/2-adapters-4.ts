/** The tests of the doors, part 4 of 5. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../adapters`, 4, 5);
