/** The configured preset as one way to tell the user something; remembers whether it works. */
import type { Config } from '../app/config/config.ts';
import { deliver } from './deliver.ts';
import { type DesktopPlace, showOnDesktop } from './desktop.ts';
import { type Message, postOf } from './presets.ts';
import { readSecrets } from './secrets.ts';

export type PresetPlace = Omit<DesktopPlace, 'abort'> & { readonly root: string };

/** The preset of a configuration. */
export type Preset = {
  /** Throws what `readSecrets` does: it could tell nothing. */
  check(): void;
  /** Rejects with `Undelivered`, an error of `readSecrets`, or the reason of `abort`. */
  tell(message: Message, abort: AbortSignal): Promise<void>;
};

/**
 * The configured preset, null without one. Secrets are read again for each message, so that a mended file counts at once;
 * while nothing arrives, each further message is tried once.
 */
export function createPreset(settings: Config['notify'], place: PresetPlace): Preset | null {
  const { preset } = settings;
  if (preset === null) return null;
  let works = true;
  const tell = async (message: Message, abort: AbortSignal): Promise<void> => {
    if (preset === 'desktop') return showOnDesktop(message, { ...place, abort });
    await deliver(postOf(preset, message, readSecrets(settings, place)), works, abort);
  };
  return {
    check: () => void readSecrets(settings, place),
    async tell(message, abort) {
      try {
        await tell(message, abort);
        works = true;
      } catch (error) {
        works = false;
        throw error;
      }
    },
  };
}
