/** What Task Copilot reads out of the words of a task or PRD: activation mode and PRD type; pure. */
import { Refusal } from './rows.ts';

const ACTIVATION_MODES = ['ultrawork', 'analyze', 'quick', 'thorough'] as const;
type ActivationMode = (typeof ACTIVATION_MODES)[number];

const MODE_WORDS: Readonly<Record<ActivationMode, RegExp>> = {
  ultrawork: /\bultrawork\b/gi,
  analyze: /\b(?:analy[sz]e|analysis|investigate)\b/gi,
  quick: /\b(?:quick|quickly|fast)\b/gi,
  thorough: /\b(?:thorough|thoroughly|comprehensive|in-depth)\b/gi,
};

/**
 * The activation mode of a task: the explicit one (null is one too), else that of the last word in `words` that names
 * a mode, else null. Throws Refusal for an explicit mode that doesn't exist.
 */
export function activationMode(explicit: unknown, words: string): ActivationMode | null {
  if (explicit === null) return null;
  if (explicit !== undefined) {
    const mode = ACTIVATION_MODES.find((name) => name === explicit);
    if (mode !== undefined) return mode;
    const shown = typeof explicit === 'string' ? explicit : JSON.stringify(explicit);
    throw new Refusal(
      `Invalid activationMode: "${shown}". Must be one of: ${ACTIVATION_MODES.join(', ')}, or null`,
    );
  }
  const found = ACTIVATION_MODES.map((mode) => ({ mode, at: lastMatch(words, MODE_WORDS[mode]) }));
  const last = found.reduce((best, one) => (one.at > best.at ? one : best));
  return last.at === -1 ? null : last.mode;
}

function lastMatch(words: string, pattern: RegExp): number {
  return [...words.matchAll(pattern)].at(-1)?.index ?? -1;
}

const PRD_TYPES = [
  ['DEFECT', /\b(?:bugs?|fix(?:es)?|defects?|broken|crash(?:es)?|errors?|regressions?)\b/i],
  ['QUESTION', /\b(?:questions?|how|why|explain|understand|what is)\b/i],
  ['EXPERIENCE', /\b(?:ui|ux|user experience|design|layout|screens?|usability|accessibility)\b/i],
  ['FEATURE', /\b(?:add|build|create|features?|implement|introduce|new|support)\b/i],
] as const;

type PrdType = (typeof PRD_TYPES)[number][0] | 'TECHNICAL';

/** The kind of a PRD by the words of its title and description; the first kind that matches wins. */
export function prdType(words: string): PrdType {
  return PRD_TYPES.find(([, pattern]) => pattern.test(words))?.[0] ?? 'TECHNICAL';
}
