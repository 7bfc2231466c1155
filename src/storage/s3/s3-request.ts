import type { SendOptions } from './s3-handler.ts';

/** What the SDK takes. */
export function aborting(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** As `aborting`, for content of an object: the SDK hands on what it does not know. */
export function reading({
  signal,
  ...where
}: { signal: AbortSignal | undefined } & Pick<SendOptions, 'into' | 'moved'>): SendOptions {
  return { ...aborting(signal), isContent: true, ...where };
}

/** As S3 writes a CRC-32: big-endian, base64. */
export function crc32Text(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString('base64');
}
