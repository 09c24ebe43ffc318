/** The tests of whole runs, part 5 of 6. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../poller`, 5, 6);
