// RecordIO, the framing of Mesos's event streams: each message is preceded by its length in decimal digits and a newline.
import { OperatorError } from '../errors.ts';

/** No message of Mesos comes near it; a longer one means that the stream is not RecordIO, or is out of step. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

const NEWLINE = 0x0a;
const ZERO = 0x30;
const NINE = 0x39;

export function encodeRecord(message: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${message.length}\n`), message]);
}

/** Takes the chunks of a stream as they come and gives the records that are complete. */
export class RecordDecoder {
  readonly #maxBytes: number;
  /** Digits of the length seen so far, and what they say. */
  #digits = 0;
  #length = 0;
  /** The record being filled; null while its length is being read. */
  #record: Uint8Array | null = null;
  #filled = 0;

  constructor(maxBytes = MAX_RECORD_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Records share no memory with the chunk. Throws BAD_REQUEST on a length that is none or too large. */
  push(chunk: Uint8Array): Uint8Array[] {
    const records: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#record === null) {
        this.#readLength(chunk[at] ?? 0);
        at += 1;
      } else {
        const part = chunk.subarray(at, at + this.#record.length - this.#filled);
        this.#record.set(part, this.#filled);
        this.#filled += part.length;
        at += part.length;
      }
      if (this.#record !== null && this.#filled === this.#record.length) {
        records.push(this.#record);
        this.#record = null;
      }
    }
    return records;
  }

  #readLength(byte: number): void {
    if (byte === NEWLINE && this.#digits > 0) {
      this.#record = new Uint8Array(this.#length);
      this.#filled = 0;
      this.#digits = 0;
      this.#length = 0;
      return;
    }
    if (byte < ZERO || byte > NINE) {
      const got = JSON.stringify(String.fromCharCode(byte));
      throw new OperatorError('BAD_REQUEST', `Expected the length of a record in decimal digits, got ${got}`);
    }
    this.#digits += 1;
    this.#length = this.#length * 10 + byte - ZERO;
    if (this.#length > this.#maxBytes || this.#digits > 20) {
      throw new OperatorError(
        'BAD_REQUEST',
        `Expected a record of at most ${this.#maxBytes} bytes, got a length that begins with ${this.#length}`,
      );
    }
  }
}
