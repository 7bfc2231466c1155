import { KEYS_REFERENCE } from './coding-options.ts';
import { CREDENTIALS_REFERENCE } from './credentials.ts';

/** Options that may hold a secret, unless they refer to one. */
const SECRETIVE = /secret|password|token|key|sig|credential|connection_?string|^sas$/i;
/** Tells which key is meant. That of an access key is half of a secret, and stands with it. */
const KEY_ID = /^(?!.*access).*key_?id$|^kmsKey$|^bucketKey$/i;

/** True for a location that holds a secret, before the host or in the query, or what may be one: locations are stored, logged and told. */
export function hasSecret(location: string): boolean {
  const query = new URLSearchParams(location.slice(location.indexOf('?') + 1));
  if (/^\w+:\/\/[^/?]*@/.test(location)) return true;
  // Also of a path that is no URL.
  if (query.getAll('encryption').some((value) => !KEYS_REFERENCE.test(value))) return true;
  if (!location.includes('?') || !/^[a-z0-9]+:\/\//i.test(location)) return false;
  return [...query].some(([name, value]) => {
    if (/^\w+:\/\/[^/]*@/.test(value)) return true;
    return SECRETIVE.test(name) && !KEY_ID.test(name) && !CREDENTIALS_REFERENCE.test(value);
  });
}
