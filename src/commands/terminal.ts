/** What the terminal can show, by the user's locale. */

/** False where the locale is plain ASCII (`LANG=C`): no symbols beyond it are printed then. */
export function wantsUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return locale === ''
    ? process.platform === 'darwin' || env['TERM_PROGRAM'] !== undefined
    : /utf-?8/i.test(locale);
}
