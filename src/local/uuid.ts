import { randomUUID } from 'node:crypto';

/** The 16 bytes of a new UUID, as status updates carry them. */
export function newUuid(): Uint8Array {
  return Uint8Array.from(Buffer.from(randomUUID().replaceAll('-', ''), 'hex'));
}
