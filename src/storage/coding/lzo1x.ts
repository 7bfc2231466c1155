/** What the bytes of a block say that cannot be; the caller says of which block, of which file. */
export class BadLzo extends Error {}

/**
 * Decodes one LZO1X block, as all compressors of that family write it (format: "LZO stream format" in the documentation of the Linux kernel).
 * An instruction copies what was put out before, by distance and length, or takes literals; up to three literals follow each match, and their
 * number (`state`) says what the next instruction's lowest codes mean. `size`: of the plain block. Throws BadLzo.
 */
export function decodeLzo1x(block: Uint8Array, size: number): Buffer {
  const decoder = new Decoder(block, size);
  decoder.begin();
  while (!decoder.next());
  return decoder.end();
}

/** The next instruction follows a run of literals, not a match. */
const AFTER_RUN = 4;
/** Distances of the far matches begin after it; it marks the end of the block. */
const FAR = 0x4000;

class Decoder {
  readonly #in: Uint8Array;
  readonly #out: Buffer;
  #at = 0;
  #done = 0;
  #state = 0;

  constructor(block: Uint8Array, size: number) {
    this.#in = block;
    this.#out = Buffer.allocUnsafe(size);
  }

  /** A block may begin with a run of literals that is said shorter than others. */
  begin(): void {
    const first = this.#in[0] ?? 0;
    if (first <= 17) return;
    this.#at = 1;
    this.#literals(first - 17);
    this.#state = Math.min(first - 17, AFTER_RUN);
  }

  /** Carries out one instruction; true when it was the end. */
  next(): boolean {
    const code = this.#byte();
    if (code >= 64) {
      const length = code >= 128 ? 5 + ((code >> 5) & 3) : 3 + ((code >> 5) & 1);
      this.#match((this.#byte() << 3) + ((code >> 2) & 7) + 1, length, code & 3);
    } else if (code >= 32) {
      const length = 2 + this.#length(code & 31, 31);
      const word = this.#word();
      this.#match((word >> 2) + 1, length, word & 3);
    } else if (code >= 16) {
      const length = 2 + this.#length(code & 7, 7);
      const word = this.#word();
      const distance = FAR + ((code & 8) << 11) + (word >> 2);
      if (distance === FAR) return true;
      this.#match(distance, length, word & 3);
    } else if (this.#state === 0) {
      this.#literals(3 + this.#length(code, 15));
      this.#state = AFTER_RUN;
    } else {
      const [from, length] = this.#state === AFTER_RUN ? [2049, 3] : [1, 2];
      this.#match((this.#byte() << 2) + (code >> 2) + from, length, code & 3);
    }
    return false;
  }

  end(): Buffer {
    if (this.#done !== this.#out.length) throw new BadLzo(`it has ${this.#done} bytes instead of ${this.#out.length}`);
    if (this.#at !== this.#in.length) throw new BadLzo(`${this.#in.length - this.#at} bytes follow its end`);
    return this.#out;
  }

  #byte(): number {
    const byte = this.#in[this.#at];
    if (byte === undefined) throw new BadLzo('it is cut short');
    this.#at += 1;
    return byte;
  }

  #word(): number {
    return this.#byte() | (this.#byte() << 8);
  }

  /** A length that does not fit into its instruction (it says 0 then) follows: each zero byte counts 255, the byte after them ends it. */
  #length(given: number, most: number): number {
    if (given !== 0) return given;
    let length = most;
    let byte = this.#byte();
    for (; byte === 0; byte = this.#byte()) length += 255;
    return length + byte;
  }

  #literals(length: number): void {
    const end = this.#at + length;
    if (end > this.#in.length) throw new BadLzo('it is cut short');
    this.#mustFit(length);
    this.#out.set(this.#in.subarray(this.#at, end), this.#done);
    this.#at = end;
    this.#done += length;
  }

  #match(distance: number, length: number, literals: number): void {
    const from = this.#done - distance;
    if (from < 0) throw new BadLzo(`it refers to ${distance} bytes before the ${this.#done}th`);
    this.#mustFit(length);
    // A match may reach into what it puts out itself: it repeats then.
    for (let index = 0; index < length; index += 1) this.#out[this.#done + index] = this.#out[from + index] ?? 0;
    this.#done += length;
    this.#literals(literals);
    this.#state = literals;
  }

  #mustFit(length: number): void {
    if (this.#done + length > this.#out.length) throw new BadLzo(`it has more than ${this.#out.length} bytes`);
  }
}
