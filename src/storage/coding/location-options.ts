import { OperatorError } from '../../errors.ts';
import type { Compression } from '../../model/backup.ts';
import { KEYS_EXPECTED, KEYS_REFERENCE } from '../../model/encryption.ts';

/** What a location says of how its files are to be stored. */
export interface CodingOptions {
  compression: Compression | null;
  /** Where the keys are, see key-source.ts. Null: files are not encrypted. */
  encryption: string | null;
}

const NAMES = ['compression', 'encryption'] as const;
const COMPRESSIONS: readonly string[] = ['none', 'lz4', 'zstd', 'gzip'];

/**
 * Takes these options off a location, of whatever kind: what is left is the place. A path that is no URL has them only where one of them is named
 * behind a `?`; otherwise that is a part of its name. Throws BAD_REQUEST.
 */
export function splitLocation(location: string): { place: string; options: CodingOptions; optionText: string } {
  const [place, query] = cut(location);
  const parts = query?.split('&').filter(Boolean) ?? [];
  const [own, rest] = [parts.filter(isOwn), parts.filter((part) => !isOwn(part))];
  if (rest.length > 0 && isDirectory(location)) {
    const names = rest.map((part) => part.split('=', 1)[0]).join(', ');
    throw wrong(`for a directory no options but ${NAMES.join(' and ')}, got ${names}`);
  }
  const options = new URLSearchParams(own.join('&'));
  for (const name of NAMES) if (options.getAll(name).length > 1) throw wrong(`${name} once`);
  return {
    place: rest.length === 0 ? place : `${place}?${rest.join('&')}`,
    options: { compression: compressionOf(options), encryption: encryptionOf(options) },
    optionText: own.join('&'),
  };
}

function cut(location: string): [string, string?] {
  const at = location.indexOf('?');
  const isUrl = /^[a-z][a-z0-9+.-]*:/i.test(location);
  if (at < 0 || !(isUrl || /[?&](?:compression|encryption)=/.test(location.slice(at)))) return [location];
  return [location.slice(0, at), location.slice(at + 1)];
}

/** As an option of the place would look like. */
function isOwn(part: string): boolean {
  return NAMES.some((name) => part === name || part.startsWith(`${name}=`));
}

function isDirectory(location: string): boolean {
  return /^file:/i.test(location) || !/^[a-z][a-z0-9+.-]*:/i.test(location);
}

function compressionOf(options: URLSearchParams): Compression | null {
  const value = options.get('compression') ?? 'none';
  if (!COMPRESSIONS.includes(value))
    throw wrong(`compression as ${COMPRESSIONS.join(', ')}, got ${JSON.stringify(value)}`);
  return value === 'none' ? null : (value as Compression);
}

/** Who writes the key itself there by mistake does not read it again in a log. */
function encryptionOf(options: URLSearchParams): string | null {
  const value = options.get('encryption');
  if (value === null || KEYS_REFERENCE.test(value)) return value;
  throw wrong(`encryption as ${KEYS_EXPECTED}, got something else`);
}

function wrong(expected: string): OperatorError {
  return new OperatorError('BAD_REQUEST', `Expected in the location ${expected}`);
}
