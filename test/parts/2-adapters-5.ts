/** The tests of the doors, part 5 of 5. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../adapters`, 5, 5);
