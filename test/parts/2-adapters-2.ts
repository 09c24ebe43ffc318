/** The tests of the doors, part 2 of 5. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../adapters`, 2, 5);
