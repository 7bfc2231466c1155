import { crc32 } from 'node:zlib';
import { ByteReader } from './byte-reader.ts';
import { BadLzo, decodeLzo1x } from './lzo1x.ts';

const MAGIC = Buffer.from([0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a]);
/** LZO1X-1, LZO1X-1(15) and LZO1X-999, which are decoded alike; others (zlib, NRV) need a build of lzop of its own. */
const METHODS = new Set([1, 2, 3]);
/** lzop 0.94 added fields to the header. */
const WITH_LEVEL = 0x0940;
/** lzop's own limit; it writes 256 KiB. */
const MOST_OF_A_BLOCK = 64 * 1024 ** 2;

/** Of the header's flags those that change what follows. */
const FLAG = {
  adlerOfPlain: 0x1,
  adlerOfStored: 0x2,
  extraField: 0x40,
  crcOfPlain: 0x100,
  crcOfStored: 0x200,
  multipart: 0x400,
  filter: 0x800,
  headerCrc: 0x1000,
} as const;

/**
 * Decodes a file that `lzop` has written, block by block: at most one block, 256 KiB by lzop's default, is in memory. Each is held against the
 * checksums that lzop has put beside it, and the end mark has to be there: lzop cut short leaves a good beginning. `name` is for messages.
 * Throws BACKUP_DAMAGED.
 */
export async function* decodeLzop(content: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Buffer> {
  const reader = new ByteReader(content, name);
  try {
    const flags = await readHeader(reader);
    for (;;) {
      const block = await readBlock(reader, flags);
      if (block === null) break;
      yield block;
    }
    if (!(await reader.isAtEnd())) throw reader.damage('bytes follow its end mark');
  } finally {
    await reader.close();
  }
}

/** The header's flags. Name, mode and time of the file are of no use here. */
async function readHeader(reader: ByteReader): Promise<number> {
  const magic = await reader.take(MAGIC.length);
  if (!magic.equals(MAGIC)) throw reader.damage('it does not begin as a file of lzop does');
  const seen: Buffer[] = [];
  const field = async (length: number): Promise<number> => {
    const bytes = await reader.take(length);
    seen.push(bytes);
    return bytes.readUIntBE(0, length);
  };
  const version = await field(2);
  await field(2);
  if (version >= WITH_LEVEL) await field(2);
  const method = await field(1);
  if (!METHODS.has(method)) throw reader.damage(`expected LZO1X, got method ${method}`);
  if (version >= WITH_LEVEL) await field(1);
  const flags = await field(4);
  if (flags & (FLAG.filter | FLAG.multipart)) throw reader.damage('it is filtered or one of several parts');
  for (const length of version >= WITH_LEVEL ? [4, 4, 4] : [4, 4]) await field(length);
  const name = await field(1);
  seen.push(await reader.take(name));
  const checksum = flags & FLAG.headerCrc ? crc32 : adler32;
  require(reader, 'header', checksum(Buffer.concat(seen)), await reader.word());
  if (flags & FLAG.extraField) await reader.take((await reader.word()) + 4);
  return flags;
}

/** Null at the end mark. */
async function readBlock(reader: ByteReader, flags: number): Promise<Buffer | null> {
  const size = await reader.word();
  if (size === 0) return null;
  const stored = await reader.word();
  if (size > MOST_OF_A_BLOCK || stored > size) throw reader.damage(`a block says ${stored} of ${size} bytes`);
  const ofPlain = await expectedOf(reader, { adler: flags & FLAG.adlerOfPlain, crc: flags & FLAG.crcOfPlain });
  // What does not get smaller is stored as it is, with the checksums of the plain bytes alone.
  const isPlain = stored === size;
  const ofStored = isPlain
    ? []
    : await expectedOf(reader, { adler: flags & FLAG.adlerOfStored, crc: flags & FLAG.crcOfStored });
  const bytes = await reader.take(stored);
  for (const { checksum, expected } of ofStored) require(reader, 'compressed block', checksum(bytes), expected);
  const block = isPlain ? bytes : decode(reader, bytes, size);
  for (const { checksum, expected } of ofPlain) require(reader, 'block', checksum(block), expected);
  return block;
}

interface Expected {
  checksum: (bytes: Uint8Array) => number;
  expected: number;
}

async function expectedOf(reader: ByteReader, { adler, crc }: { adler: number; crc: number }): Promise<Expected[]> {
  const found: Expected[] = [];
  if (adler) found.push({ checksum: adler32, expected: await reader.word() });
  if (crc) found.push({ checksum: crc32, expected: await reader.word() });
  return found;
}

function decode(reader: ByteReader, bytes: Buffer, size: number): Buffer {
  try {
    return decodeLzo1x(bytes, size);
  } catch (error) {
    if (error instanceof BadLzo) throw reader.damage(`a block is none of LZO1X: ${error.message}`);
    throw error;
  }
}

function require(reader: ByteReader, what: string, got: number, expected: number): void {
  if (got === expected) return;
  throw reader.damage(`its ${what} has the checksum ${got}, and lzop wrote ${expected}`);
}

/** Sums stay below 2^32 for that many bytes. */
const ADLER_RUN = 5552;
const ADLER_BASE = 65521;

function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let start = 0; start < bytes.length; start += ADLER_RUN) {
    const end = Math.min(start + ADLER_RUN, bytes.length);
    for (let index = start; index < end; index += 1) {
      low += bytes[index] ?? 0;
      high += low;
    }
    low %= ADLER_BASE;
    high %= ADLER_BASE;
  }
  return high * 0x10000 + low;
}
