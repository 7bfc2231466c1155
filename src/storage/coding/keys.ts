import { OperatorError } from '../../errors.ts';
import type { FileEncoding } from '../../model/backup.ts';
import type { Coding } from '../storage.ts';
import { findKey, type Key, type KeyRing } from './key-ring.ts';
import { readKeys, type KeyPlaces } from './key-source.ts';

type Encoding = Pick<FileEncoding, 'keyId' | 'keyCheck'>;

/** The keys of a location. They are looked for when the first one is needed: the catalogue works without any. */
export class Keys implements Coding {
  readonly #reference: string | null;
  readonly #places: KeyPlaces;
  #found: Promise<KeyRing> | null = null;

  /** `reference` as a location says it in `encryption`; null where nothing is to be encrypted. */
  constructor(reference: string | null, places: KeyPlaces) {
    this.#reference = reference;
    this.#places = places;
  }

  /** The key to encrypt with; null where nothing is to be encrypted. Throws as readKeys does. */
  async first(): Promise<Key | null> {
    return (await this.#ring())?.keys[0] ?? null;
  }

  /** The key of a file; null where it is not encrypted. Throws as checkReadable does. */
  async of(encoding: Encoding): Promise<Key | null> {
    if (encoding.keyId === undefined) return null;
    await this.checkReadable([encoding]);
    return found(await this.#ring(), encoding) ?? null;
  }

  async checkReadable(encodings: Iterable<Encoding | undefined>): Promise<void> {
    const needed = new Map<string, Encoding>();
    for (const encoding of encodings) {
      if (encoding?.keyId !== undefined) needed.set(`${encoding.keyId} ${encoding.keyCheck}`, encoding);
    }
    if (needed.size === 0) return;
    const ring = await this.#ring();
    const lacking = [...needed.values()].filter((encoding) => found(ring, encoding) === undefined);
    if (lacking.length > 0) throw missing(ring, lacking);
  }

  /** With keys only to what can be read with one of them, without keys only to what needs none. */
  async mayRefer(): Promise<(encoding: Encoding | undefined) => boolean> {
    const ring = await this.#ring();
    if (ring === null) return (encoding) => encoding?.keyId === undefined;
    return (encoding) => encoding !== undefined && found(ring, encoding) !== undefined;
  }

  /** Null: the location names no source of keys. */
  #ring(): Promise<KeyRing | null> {
    if (this.#reference === null) return Promise.resolve(null);
    this.#found ??= readKeys(this.#reference, this.#places);
    return this.#found;
  }
}

/** Of a place that was told of none. */
export const NO_KEYS = new Keys(null, { sandbox: '/' });

function found(ring: KeyRing | null, { keyId, keyCheck }: Encoding): Key | undefined {
  return ring === null || keyId === undefined ? undefined : findKey(ring, keyId, keyCheck);
}

function missing(ring: KeyRing | null, lacking: readonly Encoding[]): OperatorError {
  const names = new Set(lacking.map(({ keyId }) => keyId));
  const ids = `${names.size === 1 ? 'key' : 'keys'} ${[...names].join(', ')}`;
  if (ring === null) {
    return new OperatorError('STORAGE_FAILED', `files are encrypted with the ${ids}, and the location names no keys`, {
      hint: 'Add encryption=file:/path to the location; that file has to be on every node.',
    });
  }
  const isNamesake = lacking.some(({ keyId }) => ring.keys.some(({ id }) => id === keyId));
  const got = isNamesake
    ? 'a key of that name there is another one'
    : `there is only ${ring.keys.map(({ id }) => id).join(', ')}`;
  return new OperatorError(
    'STORAGE_FAILED',
    `files are encrypted with the ${ids}, looked for in ${ring.where}: ${got}`,
    {
      hint: 'Add the line of that key below the first one. Without that key nobody can read the files.',
    },
  );
}
