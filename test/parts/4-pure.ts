/** All pure tests. */
import { runPart } from '../support/part.ts';

await runPart(`${import.meta.dirname}/../pure`, 1, 1);
