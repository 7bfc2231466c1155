import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { OperatorError } from '../../errors.ts';

/** One of the operator's keys. Its bytes are in `secret` alone, which shows them to no log. */
export interface Key {
  /** The operator's name, such as `2026-11`. */
  id: string;
  /** By what the key is known without telling it: a name may have been given twice. Hexadecimal. */
  check: string;
  secret: KeyObject;
}

const KEY_BYTES = 32;
const CHECK_BYTES = 8;
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const BASE64 = /^[A-Za-z0-9+/]{43}=$/;

/** Keys that were found: the first one encrypts, all decrypt. */
export interface KeyRing {
  /** In words, for messages: `the file /etc/keys`. */
  where: string;
  keys: readonly [Key, ...Key[]];
}

/**
 * Reads lines of `<key id> <base64 of 32 bytes>`; empty ones and those that begin with `#` are comments. Throws STORAGE_FAILED that names the line, and
 * nothing of what is in it.
 */
export function parseKeys(text: string, where: string): KeyRing {
  const keys: Key[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const key = parseLine(line);
    if (typeof key === 'string') throw wrong(where, `line ${index + 1}: expected ${key}`);
    if (keys.some(({ id }) => id === key.id))
      throw wrong(where, `line ${index + 1}: expected a key id that no line before it has`);
    keys.push(key);
  }
  const [first, ...others] = keys;
  if (first === undefined) throw wrong(where, 'expected at least one key, got none');
  return { where, keys: [first, ...others] };
}

/** The key that something was encrypted with. Undefined: it is not among these, or another one has its name. */
export function findKey({ keys }: KeyRing, id: string, check: string | undefined): Key | undefined {
  return keys.find((key) => key.id === id && key.check === check);
}

/** Or what was expected. */
function parseLine(line: string): Key | string {
  const [id = '', encoded = '', ...more] = line.trim().split(/\s+/);
  if (!ID.test(id) || encoded === '' || more.length > 0)
    return 'a key id (letters, digits, . _ -), a space and the key';
  if (!BASE64.test(encoded)) return `the key as base64 of ${KEY_BYTES} bytes`;
  const secret = createSecretKey(encoded, 'base64');
  const check = hkdfSync('sha256', secret, '', 'cassandra-mesos key check', CHECK_BYTES);
  return { id, check: Buffer.from(check).toString('hex'), secret };
}

function wrong(where: string, problem: string): OperatorError {
  return new OperatorError('STORAGE_FAILED', `the encryption keys in ${where} cannot be used: ${problem}`, {
    hint: 'One line a key: <key id> <base64 of 32 bytes>; openssl rand -base64 32 makes one.',
  });
}
