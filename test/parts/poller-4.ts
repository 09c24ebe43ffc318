/** The tests of whole runs, part 4 of four. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../poller`, 4, 4);
