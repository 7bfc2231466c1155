import { crc32 } from 'node:zlib';

const MAGIC = Buffer.from([0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a]);
/** CRC-32 of the plain blocks and of the header. */
const FLAGS = 0x1100;

/** A file as lzop writes one of what cannot be compressed: blocks of plain bytes. */
export function lzop(content: Buffer | string, blockSize = 256 * 1024): Buffer {
  const plain = Buffer.from(content);
  const header = Buffer.concat([
    // Versions, LZO1X-1 at level 3; flags, mode, time; no name.
    Buffer.from([0x10, 0x40, 0x20, 0xa0, 0x09, 0x40, 1, 3]),
    ...[FLAGS, 0o100644, 1_500_000_000, 0].map(word),
    Buffer.from([0]),
  ]);
  const blocks: Buffer[] = [];
  for (let start = 0; start < plain.length; start += blockSize) {
    const block = plain.subarray(start, start + blockSize);
    blocks.push(word(block.length), word(block.length), word(crc32(block)), block);
  }
  return Buffer.concat([MAGIC, header, word(crc32(header)), ...blocks, word(0)]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
