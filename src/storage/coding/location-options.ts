import { OperatorError } from '../../errors.ts';
import type { Compression } from '../../model/backup.ts';
import { CODING_OPTIONS, KEYS_EXPECTED, KEYS_REFERENCE, takeOptions } from '../../model/coding-options.ts';

/** What a location says of how its files are to be stored. */
export interface CodingOptions {
  compression: Compression | null;
  /** Where the keys are, see key-source.ts. Null: files are not encrypted. */
  encryption: string | null;
}

const COMPRESSIONS: readonly string[] = ['none', 'lz4', 'zstd', 'gzip'];

/** Takes these options off a location, of whatever kind: what is left is the place. Throws BAD_REQUEST. */
export function splitLocation(location: string): { place: string; options: CodingOptions; optionText: string } {
  const { place, taken, left } = takeOptions(location);
  if (left.length > 0 && isDirectory(location)) {
    const names = left.map((option) => option.split('=', 1)[0]).join(', ');
    throw wrong(`for a directory no options but ${CODING_OPTIONS.join(' and ')}, got ${names}`);
  }
  const optionText = taken.join('&');
  const options = new URLSearchParams(optionText);
  for (const name of CODING_OPTIONS) if (options.getAll(name).length > 1) throw wrong(`${name} once`);
  return { place, options: { compression: compressionOf(options), encryption: encryptionOf(options) }, optionText };
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
