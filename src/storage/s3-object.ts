import type { S3Client } from '@aws-sdk/client-s3';
import type { MemoryBudget } from './memory-budget.ts';
import type { TransferOptions } from './storage.ts';
import type { Throttle } from './throttle.ts';

/** One object of a bucket, and what its transfer works with. */
export interface S3Object {
  client: S3Client;
  bucket: string;
  key: string;
  memory: MemoryBudget;
  throttle: Throttle;
}

const MIB = 1024 * 1024;

/** Up to this size an object is sent and fetched whole. */
export const PART = 8 * MIB;

/** Amazon's limit of an upload. */
const MOST_PARTS = 10_000;

/** Parts of one file on their way at the same time. */
export const PARTS_AT_ONCE = 4;

/** Where the parts of an object of that size begin, and how long they are; at least one, also of an empty object. */
export function partsOf(size: number): { begin: number; bytes: number }[] {
  const length = Math.max(PART, Math.ceil(size / MOST_PARTS / MIB) * MIB);
  const parts = [{ begin: 0, bytes: Math.min(length, size) }];
  for (let begin = length; begin < size; begin += length) parts.push({ begin, bytes: Math.min(length, size - begin) });
  return parts;
}

/** As S3 writes a CRC-32: big-endian, base64. */
export function crc32Text(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString('base64');
}

/** Waits until so many bytes may be moved. */
export async function mayMove(
  { throttle }: Pick<S3Object, 'throttle'>,
  bytes: number,
  signal: AbortSignal,
): Promise<void> {
  let left = throttle.rate === null ? 0 : bytes;
  while (left > 0) {
    left -= await throttle.take(left, signal);
    signal.throwIfAborted();
  }
}

/** What the SDK takes. */
export function aborting({ signal }: Pick<TransferOptions, 'signal'>): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** A signal that ends when the given one does, and can be ended. */
export function endable(signal: AbortSignal | undefined): { signal: AbortSignal; end: (reason: unknown) => void } {
  const own = new AbortController();
  return {
    signal: signal === undefined ? own.signal : AbortSignal.any([signal, own.signal]),
    end: (reason) => own.abort(reason),
  };
}
