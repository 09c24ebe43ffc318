/** The tests of the doors, part 3 of 5. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../adapters`, 3, 5);
