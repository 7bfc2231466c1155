/** What a location may say in `encryption`: where each node finds the keys. Never a key itself. */
export const KEYS_REFERENCE = /^(?:file:\/.+|command:\/.+|secret:[^/].*)$/;

/** In words, for messages. */
export const KEYS_EXPECTED = 'file:/path, command:/path or secret:name';
