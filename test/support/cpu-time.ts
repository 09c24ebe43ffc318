/** Processor time that this process has used: bounds on it hold on a loaded machine too. */

/** Milliseconds of processor time, all threads, since the process began. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
