/** Whether a process lives: one that has ended, and that its parent has not taken note of yet, does not. */
import { createProcesses } from '../../src/process/processes.ts';

/** Asked in one step: who looks whether there is such a process, and then reads of it, meets one that goes in between. */
export const isAlive = (pid: number): boolean => createProcesses().identify(pid) !== null;
