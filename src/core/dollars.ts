/** Writes sums of money as people read them. */

/** Below this, cents say too little. */
const SMALL_USD = 0.1;

/** `$12.30`, `$0.0012`. */
export function dollars(usd: number): string {
  return `$${usd > 0 && usd < SMALL_USD ? usd.toFixed(4) : usd.toFixed(2)}`;
}
