/** Types of work.js, which the scripted worker runs without a build. */
export const WORK: Readonly<Record<string, Readonly<Record<string, string>>>>;
