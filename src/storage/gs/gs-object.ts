import { OperatorError } from '../../errors.ts';
import type { GsClient } from './gs-client.ts';
import { hasStatus } from './gs-errors.ts';

/** What the store tells of an object; numbers are texts. */
export interface GsObject {
  size: string;
  /** Another one whenever the content is. */
  generation: string;
  crc32c: string;
  /** When this generation was made, as ISO 8601. */
  timeCreated: string;
}

/** Asked for, so that an answer is no longer than it is used. */
export const OBJECT_FIELDS = 'size,generation,crc32c,timeCreated';

/** Where an object lies. */
export interface GsPlace {
  bucket: string;
  /** The whole one. */
  name: string;
}

export function objectPath({ bucket, name }: GsPlace): string {
  return `${objectsPath(bucket)}/${encodeURIComponent(name)}`;
}

export function objectsPath(bucket: string): string {
  return `/storage/v1/b/${bucket}/o`;
}

/** Deletes it, or that generation of it alone. Nothing happens where there is none. */
export async function deleteObject(
  client: GsClient,
  place: GsPlace,
  { generation, signal }: { generation?: string; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  try {
    const path = objectPath(place);
    const query = generation === undefined ? {} : { generation };
    (await client.send({ method: 'DELETE', path, query, signal })).body.resume();
  } catch (error) {
    if (!hasStatus(error, 404)) throw error;
  }
}

/** What was sent. */
export interface Sent {
  /** Bytes. */
  size: number;
  crc32c: string;
}

export function isWhatWasSent(made: GsObject, sent: Sent): boolean {
  return Number(made.size) === sent.size && made.crc32c === sent.crc32c;
}

/**
 * Holds what was made against what was sent, for stores that do not check it themselves. What is something else is deleted. Throws
 * STORAGE_UNAVAILABLE: it was altered on its way.
 */
export async function checkMade(client: GsClient, place: GsPlace, made: GsObject, sent: Sent): Promise<void> {
  if (isWhatWasSent(made, sent)) return;
  await deleteObject(client, place, { generation: made.generation });
  throw new OperatorError(
    'STORAGE_UNAVAILABLE',
    `storing gs://${place.bucket}/${place.name}: expected an object of ${sent.size} bytes with CRC-32C ${sent.crc32c}, the store has made one of ${made.size} with ${made.crc32c}, which was deleted`,
    { hint: 'It was altered on its way: check the network and proxies.' },
  );
}
