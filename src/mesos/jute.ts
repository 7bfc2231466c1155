// Jute, ZooKeeper's encoding: numbers are big-endian, texts and byte arrays stand behind their length.

export function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function long(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

/** A text, or an array of bytes: both look the same. */
export function text(value: string): Buffer {
  return joined(int(Buffer.byteLength(value)), Buffer.from(value));
}

export function joined(...parts: Buffer[]): Buffer {
  return Buffer.concat(parts);
}

/** Takes one value after the other. Throws RangeError at the end. */
export class JuteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int(): number {
    return this.#take(4).readInt32BE();
  }

  long(): bigint {
    return this.#take(8).readBigInt64BE();
  }

  text(): string {
    // -1 stands for none.
    return this.#take(Math.max(this.int(), 0)).toString();
  }

  strings(): string[] {
    return Array.from({ length: Math.max(this.int(), 0) }, () => this.text());
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError(`Expected ${length} more bytes from ZooKeeper`);
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }
}
