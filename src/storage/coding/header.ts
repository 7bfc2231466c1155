import type { Compression } from '../../model/backup.ts';
import type { ByteReader } from './byte-reader.ts';
import { SALT_BYTES } from './frame-cipher.ts';

/** What a file begins with that is compressed or encrypted. */
export interface Header {
  compression: Compression | null;
  encryption: { keyId: string; salt: Buffer } | null;
}

/** Bytes on the node that each frame has, but for the last, which may have fewer. */
export const FRAME_BYTES = 512 * 1024;

const MAGIC = Buffer.from('CASSMESO');
const VERSION = 1;
/** By their number in the header. Only ever added to. */
const COMPRESSIONS: readonly (Compression | null)[] = [null, 'zstd', 'gzip', 'lz4'];

/** `CASSMESO`, version, compression, length of the key id, key id and, of an encrypted file, 32 bytes of salt. */
export function writeHeader({ compression, encryption }: Header): Buffer {
  const keyId = Buffer.from(encryption?.keyId ?? '');
  const facts = Buffer.from([VERSION, COMPRESSIONS.indexOf(compression), keyId.length]);
  return Buffer.concat([MAGIC, facts, keyId, encryption?.salt ?? Buffer.alloc(0)]);
}

/** Throws BACKUP_DAMAGED. */
export async function readHeader(reader: ByteReader): Promise<Header & { bytes: Buffer }> {
  const start = await reader.take(MAGIC.length + 3);
  const [version = 0, number = 0, length = 0] = start.subarray(MAGIC.length);
  if (!start.subarray(0, MAGIC.length).equals(MAGIC)) throw reader.damage('it does not begin as an encoded file does');
  if (version !== VERSION) throw reader.damage(`expected version ${VERSION}, got ${version}`);
  const compression = COMPRESSIONS[number];
  if (compression === undefined) throw reader.damage(`compression ${number} is not known`);
  if (length === 0) return { compression, encryption: null, bytes: start };
  const keyId = await reader.take(length);
  const salt = await reader.take(SALT_BYTES);
  const encryption = { keyId: keyId.toString(), salt };
  return { compression, encryption, bytes: Buffer.concat([start, keyId, salt]) };
}
