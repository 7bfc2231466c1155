import type { KeyObject } from 'node:crypto';
import { messageOf } from '../../errors.ts';
import type { Compression, FileEncoding } from '../../model/backup.ts';
import { ByteReader } from './byte-reader.ts';
import { CODECS } from './codecs.ts';
import { AT_ONCE, LAST } from './encode.ts';
import { FrameCipher, TAG_BYTES } from './frame-cipher.ts';
import { FRAME_BYTES, readHeader, type Header } from './header.ts';
import { inOrder } from './in-order.ts';
import { decodeLzop } from './lzop.ts';

/** No compression makes more of a chunk, and no cipher. */
const MOST_OF_A_FRAME = 2 * FRAME_BYTES;

/**
 * Reads what `encode` has written, and gives nothing that is not authentic: a frame that was altered, cut, left out, moved or brought from another file
 * is BACKUP_DAMAGED. Of a file that is not encrypted only the end is seen here, the rest by its checksum. `secret`: the key, of an
 * encrypted file. `name` is for messages.
 */
export async function* decode(
  content: AsyncIterable<Buffer>,
  name: string,
  expected: FileEncoding,
  secret: KeyObject | null,
): AsyncGenerator<Buffer> {
  if (expected.compression === 'lzop') yield* decodeLzop(content, name);
  else yield* decodeFrames(content, name, expected, secret);
}

async function* decodeFrames(...[content, name, expected, secret]: Parameters<typeof decode>): AsyncGenerator<Buffer> {
  const reader = new ByteReader(content, name);
  try {
    const header = await readHeader(reader);
    requireSame(reader, header, expected);
    const { encryption, compression, bytes } = header;
    const cipher = encryption && secret && new FrameCipher(secret, encryption.salt, bytes);
    yield* inOrder(frames(reader, cipher), AT_ONCE, async ({ content: packed, isLast }) => {
      const plain = compression === null ? packed : await unpack(reader, compression, packed);
      if (plain.length === FRAME_BYTES || (isLast && plain.length < FRAME_BYTES)) return plain;
      throw reader.damage(`a frame has ${plain.length} bytes`);
    });
  } finally {
    await reader.close();
  }
}

/** Whoever changes a header does not make this program read a file without its key. Throws BACKUP_DAMAGED. */
function requireSame(reader: ByteReader, { compression, encryption }: Header, expected: FileEncoding): void {
  const got = describe(compression, encryption?.keyId);
  const wanted = describe(expected.compression, expected.keyId);
  if (got !== wanted) throw reader.damage(`expected ${wanted} as the manifest says, but it is ${got}`);
}

function describe(compression: string | null = null, keyId?: string): string {
  return `${compression ?? 'no'} compression and ${keyId === undefined ? 'no key' : `the key ${JSON.stringify(keyId)}`}`;
}

async function* frames(
  reader: ByteReader,
  cipher: FrameCipher | null,
): AsyncGenerator<{ content: Buffer; isLast: boolean }> {
  for (let isLast = false; !isLast;) {
    const word = await reader.word();
    isLast = word >= LAST;
    const length = isLast ? word - LAST : word;
    if (length > MOST_OF_A_FRAME) throw reader.damage(`a frame says that it has ${length} bytes`);
    const tag = cipher && (await reader.take(TAG_BYTES));
    const stored = await reader.take(length);
    const content = cipher && tag ? cipher.open(tag, stored, isLast) : stored;
    if (content === null) throw reader.damage('a frame is not as it was encrypted');
    yield { content, isLast };
  }
  if (!(await reader.isAtEnd())) throw reader.damage('bytes follow its last frame');
}

async function unpack(reader: ByteReader, compression: Compression, packed: Buffer): Promise<Buffer> {
  try {
    return await CODECS[compression].decompress(packed, FRAME_BYTES);
  } catch (error) {
    throw reader.damage(`a frame cannot be decompressed: ${messageOf(error)}`);
  }
}
