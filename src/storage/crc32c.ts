/** Of Castagnoli's polynomial, reversed. */
const POLYNOMIAL = 0x82f63b78;

/** Bytes of a step. */
const STEP = 16;

/** Of 256 entries each: table k says what a byte becomes that k more bytes follow. */
const TABLES = makeTables();

/**
 * CRC-32C, the checksum that Google Cloud Storage checks, which Node does not have. Unsigned; `previous`: of what came before. Sixteen bytes a step
 * (Intel's slicing): somewhat faster than Node's own SHA-256, where Google's library in JavaScript takes fifteen times as long.
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  const first = Math.min(bytes.length, -bytes.byteOffset & 3);
  const begun = byteWise(bytes.subarray(0, first), ~previous);
  const steps = Math.floor((bytes.length - first) / STEP);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + first, steps * 4);
  return ~byteWise(bytes.subarray(first + steps * STEP), stepWise(words, begun)) >>> 0;
}

/** As Google writes it: big-endian, base64. */
export function crc32cText(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString('base64');
}

function byteWise(bytes: Uint8Array, start: number): number {
  let crc = start;
  for (const byte of bytes) crc = TABLES[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return crc;
}

/** Little-endian words, as all machines have them that Node 24 runs on but for IBM Z: there the store refuses what is sent. */
function stepWise(words: Int32Array, start: number): number {
  let crc = start;
  for (let index = 0; index < words.length; index += 4) {
    crc =
      ofWord(crc ^ words[index]!, 12) ^
      ofWord(words[index + 1]!, 8) ^
      ofWord(words[index + 2]!, 4) ^
      ofWord(words[index + 3]!, 0);
  }
  return crc;
}

/** What four bytes become that so many follow in their step. */
function ofWord(word: number, following: number): number {
  const table = following * 256;
  return (
    TABLES[table + 768 + (word & 0xff)]! ^
    TABLES[table + 512 + ((word >>> 8) & 0xff)]! ^
    TABLES[table + 256 + ((word >>> 16) & 0xff)]! ^
    TABLES[table + (word >>> 24)]!
  );
}

function makeTables(): Int32Array {
  const tables = new Int32Array(STEP * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let index = 256; index < tables.length; index += 1) {
    const crc = tables[index - 256]!;
    tables[index] = tables[crc & 0xff]! ^ (crc >>> 8);
  }
  return tables;
}
