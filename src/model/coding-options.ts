/** Options of every kind of location: how its files are stored. */
export const CODING_OPTIONS = ['compression', 'encryption'] as const;

/** What a location may say in `encryption`: where each node finds the keys. Never a key itself. */
export const KEYS_REFERENCE = /^(?:file:\/.+|command:\/.+|secret:[^/].*)$/;

/** In words, for messages. */
export const KEYS_EXPECTED = 'file:/path, command:/path or secret:name';

/**
 * Takes these options off a location. What is left is the place, and the options that belong to it. A path that is no URL has options only where one
 * of these is among them; otherwise a `?` is a part of its name.
 */
export function takeOptions(location: string): { place: string; taken: string[]; left: string[] } {
  const at = location.indexOf('?');
  const isUrl = /^[a-z][a-z0-9+.-]*:/i.test(location);
  if (at < 0 || !(isUrl || /[?&](?:compression|encryption)=/.test(location.slice(at)))) {
    return { place: location, taken: [], left: [] };
  }
  const all = location
    .slice(at + 1)
    .split('&')
    .filter(Boolean);
  const [taken, left] = [all.filter(isOwn), all.filter((option) => !isOwn(option))];
  return { place: location.slice(0, at) + (left.length === 0 ? '' : `?${left.join('&')}`), taken, left };
}

function isOwn(option: string): boolean {
  return CODING_OPTIONS.some((name) => option === name || option.startsWith(`${name}=`));
}
