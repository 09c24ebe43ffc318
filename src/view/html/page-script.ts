/** What the page does in a browser besides standing there: tells its age, copies commands, filters, and reloads itself in the same place. */

/**
 * Plain JavaScript, which reads what it needs from the page. There is no server to ask, and a page opened from a disk may read
 * no file, not even its own: so it reloads itself every few seconds. Where one was in it is kept in the history entry.
 */
export const PAGE_SCRIPT = `(() => {
  'use strict';
  const root = document.documentElement;
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const { at, old: oldAfter, reload } = document.body.dataset;
  root.classList.add('js');

  const words = new Intl.RelativeTimeFormat('en', { numeric: 'always' });
  const ago = (s) =>
    s < 120 ? words.format(-s, 'second')
    : s < 7200 ? words.format(-Math.round(s / 60), 'minute')
    : s < 172800 ? words.format(-Math.round(s / 3600), 'hour')
    : words.format(-Math.round(s / 86400), 'day');
  const tellAge = () => {
    const s = Math.max(0, Math.round((Date.now() - Number(at)) / 1000));
    for (const place of all('.age')) place.textContent = s < 5 ? 'just now' : ago(s);
    one('#old').hidden = s < Number(oldAfter);
  };
  tellAge();
  setInterval(tellAge, 1000);

  const filter = one('#filter');
  const rows = all('details.stream');
  const groups = all('.group');
  const sift = () => {
    if (filter === null) return;
    const text = filter.value.trim().toLowerCase();
    const isState = all('.chip').some((chip) => chip.dataset.state === text);
    const words = (row, part) => row.querySelector('summary ' + part).textContent.toLowerCase();
    for (const row of rows)
      row.hidden = isState ? words(row, '.state') !== text
        : text !== '' && !(words(row, '.who') + ' ' + words(row, '.state')).includes(text);
    for (const group of groups) {
      group.hidden = !group.querySelector('details.stream:not([hidden])');
      if (text !== '') group.open = true;
    }
    const shown = rows.filter((row) => !row.hidden).length;
    one('#shown').textContent = text === '' ? '' : shown + ' of ' + rows.length;
    for (const chip of all('.chip')) chip.setAttribute('aria-pressed', String(chip.dataset.state === text));
  };

  const keep = () => {
    // What is nearest to the upper edge stays there, whatever is put in above it.
    let seen = null;
    for (const each of all('[id]')) {
      const { top, height } = each.getBoundingClientRect();
      if (height > 0 && (seen === null || Math.abs(top) < Math.abs(seen.getBoundingClientRect().top))) seen = each;
    }
    const toggled = {};
    for (const row of all('details'))
      if (row.open !== row.hasAttribute('data-open')) toggled[row.id] = row.open;
    history.replaceState({
      y: scrollY,
      place: seen && scrollY > 0 ? [seen.id, seen.getBoundingClientRect().top] : null,
      sideways: one('.graph') ? one('.graph').scrollLeft : 0,
      toggled,
      filter: filter ? filter.value : '',
      typing: filter !== null && document.activeElement === filter,
    }, '');
  };
  const kept = history.state;
  const comeBack = () => {
    const place = kept.place && document.getElementById(kept.place[0]);
    scrollTo({ top: kept.y, behavior: 'instant' });
    if (place) scrollBy({ top: place.getBoundingClientRect().top - kept.place[1], behavior: 'instant' });
  };
  if (kept) {
    for (const [id, open] of Object.entries(kept.toggled)) {
      const row = document.getElementById(id);
      if (row) row.open = open;
    }
    if (filter) filter.value = kept.filter;
    sift();
    if (one('.graph')) one('.graph').scrollLeft = kept.sideways;
    if (kept.typing) filter.focus({ preventScroll: true });
    comeBack();
    addEventListener('load', () => {
      comeBack();
      // The browser has its own idea until it has finished with the loading.
      setTimeout(() => { history.scrollRestoration = 'auto'; }, 500);
    });
  }
  addEventListener('pagehide', keep);

  let busy = 0;
  for (const act of ['scroll', 'input', 'pointerdown', 'wheel', 'touchmove'])
    addEventListener(act, () => { busy = Date.now(); }, { passive: true });
  const loadAgain = () => {
    const selecting = String(getSelection()) !== '';
    if (document.hidden || selecting || Date.now() - busy < 1500) return void setTimeout(loadAgain, 500);
    keep();
    history.scrollRestoration = 'manual';
    location.reload();
  };
  if (reload) setTimeout(loadAgain, Number(reload) * 1000);

  if (filter) filter.addEventListener('input', sift);
  const showTarget = () => {
    const row = document.getElementById(location.hash.slice(1));
    if (!row || row.tagName !== 'DETAILS') return;
    if (row.hidden) { filter.value = ''; sift(); }
    if (row.parentElement.tagName === 'DETAILS') row.parentElement.open = true;
    row.open = true;
    row.scrollIntoView({ block: 'nearest' });
  };
  addEventListener('hashchange', showTarget);
  if (!kept) showTarget();

  addEventListener('click', (event) => {
    const chip = event.target.closest('.chip');
    if (chip && filter) {
      filter.value = filter.value === chip.dataset.state ? '' : chip.dataset.state;
      sift();
    }
    const copy = event.target.closest('.copy');
    if (!copy) return;
    const code = copy.previousElementSibling;
    navigator.clipboard.writeText(code.textContent).then(
      () => { copy.textContent = 'copied'; setTimeout(() => { copy.textContent = 'copy'; }, 1500); },
      () => getSelection().selectAllChildren(code),
    );
  });
})();`;
