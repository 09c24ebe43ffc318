/** The tests of whole runs, part 3 of 6. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../poller`, 3, 6);
