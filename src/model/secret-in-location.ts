/** What refers to credentials without being any: `file:/path` and `env:PREFIX_`. */
const REFERENCE = /^(?:file:\/.+|env:[A-Z][A-Z0-9_]*)$/;

/** True for a location that holds a secret, before the host or in the query, or what may be one: locations are stored, logged and told. */
export function hasSecret(location: string): boolean {
  const query = new URLSearchParams(location.slice(location.indexOf('?') + 1));
  if (/^\w+:\/\/[^/?]*@/.test(location)) return true;
  if (!location.includes('?') || !/^[a-z0-9]+:\/\//i.test(location)) return false;
  return [...query].some(([name, value]) => {
    if (/secret|password|token|key|sig/i.test(name)) return true;
    return name === 'credentials' ? !REFERENCE.test(value) : /^\w+:\/\/[^/]*@/.test(value);
  });
}
