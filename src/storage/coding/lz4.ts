/** It is no block of LZ4. */
export class BadLz4 extends Error {}

/** Positions that are remembered, by a hash of the four bytes there. */
const HASH_BITS = 14;
const SHORTEST_MATCH = 4;
const FARTHEST = 65_535;
/** The format wants the last five bytes as they are, and the last match to begin twelve before the end. */
const LAST_LITERALS = 5;
const LAST_MATCH = 12;
/** Every so many bytes without a match it looks at fewer of them: what cannot be compressed passes quickly. */
const PATIENCE_BITS = 6;

/** Compresses to one block of LZ4 (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md). */
export function compressLz4(source: Buffer): Buffer {
  const target = new Writer(source);
  const seen = new Int32Array(1 << HASH_BITS).fill(-1);
  let literals = 0;
  let at = 0;
  for (let misses = 1 << PATIENCE_BITS; at <= source.length - LAST_MATCH;) {
    const bytes = four(source, at);
    const hash = Math.imul(bytes, 0x9e3779b1) >>> (32 - HASH_BITS);
    const match = seen[hash]!;
    seen[hash] = at;
    if (match >= 0 && at - match <= FARTHEST && four(source, match) === bytes) {
      const length = matchLength(source, match, at);
      target.sequence(literals, at, { offset: at - match, length });
      at += length;
      literals = at;
      misses = 1 << PATIENCE_BITS;
    } else {
      at += misses >> PATIENCE_BITS;
      misses += 1;
    }
  }
  target.sequence(literals, source.length, null);
  return target.written;
}

function four(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function matchLength(source: Buffer, match: number, at: number): number {
  const end = source.length - LAST_LITERALS;
  let length = SHORTEST_MATCH;
  while (at + length < end && source[match + length] === source[at + length]) length += 1;
  return length;
}

class Writer {
  readonly #source: Buffer;
  readonly #target: Buffer;
  #end = 0;

  constructor(source: Buffer) {
    this.#source = source;
    this.#target = Buffer.allocUnsafe(source.length + Math.ceil(source.length / 255) + 16);
  }

  get written(): Buffer {
    return this.#target.subarray(0, this.#end);
  }

  /** Literals, and what follows them. */
  sequence(begin: number, end: number, match: { offset: number; length: number } | null): void {
    const literals = end - begin;
    const more = match === null ? 0 : match.length - SHORTEST_MATCH;
    this.#target[this.#end++] = (Math.min(literals, 15) << 4) | Math.min(more, 15);
    if (literals >= 15) this.#rest(literals - 15);
    this.#end += this.#source.copy(this.#target, this.#end, begin, end);
    if (match === null) return;
    this.#target[this.#end++] = match.offset & 0xff;
    this.#target[this.#end++] = match.offset >> 8;
    if (more >= 15) this.#rest(more - 15);
  }

  #rest(left: number): void {
    for (; left >= 255; left -= 255) this.#target[this.#end++] = 255;
    this.#target[this.#end++] = left;
  }
}

/** Decodes one block of LZ4 that has at most so many bytes. Throws BadLz4. */
export function decompressLz4(block: Buffer, most: number): Buffer {
  const target = Buffer.allocUnsafe(most);
  let at = 0;
  let end = 0;
  const length = (start: number): number => {
    let sum = start;
    for (let byte = start === 15 ? 255 : 0; byte === 255; sum += byte) {
      byte = block[at++] ?? cutShort();
    }
    return sum;
  };
  for (;;) {
    const token = block[at++] ?? cutShort();
    const literals = length(token >> 4);
    if (at + literals > block.length) cutShort();
    if (end + literals > most) throw new BadLz4(`it has more than ${most} bytes`);
    end += block.copy(target, end, at, at + literals);
    at += literals;
    if (at === block.length) return target.subarray(0, end);
    const offset = (block[at] ?? cutShort()) | ((block[at + 1] ?? cutShort()) << 8);
    at += 2;
    const bytes = length(token & 15) + SHORTEST_MATCH;
    if (offset === 0 || offset > end) throw new BadLz4(`it repeats what is ${offset} bytes before byte ${end}`);
    if (end + bytes > most) throw new BadLz4(`it has more than ${most} bytes`);
    if (offset >= bytes) target.copyWithin(end, end - offset, end - offset + bytes);
    else for (let index = end; index < end + bytes; index += 1) target[index] = target[index - offset]!;
    end += bytes;
  }
}

function cutShort(): never {
  throw new BadLz4('it is cut short');
}
