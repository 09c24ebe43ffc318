/** The tests of whole runs, part 1 of 6. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../poller`, 1, 6);
