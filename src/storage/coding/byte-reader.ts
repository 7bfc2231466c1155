import { OperatorError } from '../../errors.ts';

/** Takes bytes by the number from what comes in pieces of any size. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #name: string;
  #piece: Buffer = Buffer.alloc(0);
  #taken = 0;

  /** `name` is for messages. */
  constructor(content: AsyncIterable<Uint8Array>, name: string) {
    this.#pieces = content[Symbol.asyncIterator]();
    this.#name = name;
  }

  /** Of one piece no copy is made. Throws BACKUP_DAMAGED where there are not so many. */
  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = length; missing > 0;) {
      if (await this.isAtEnd()) throw this.damage('it is cut short');
      const part = this.#piece.subarray(0, missing);
      this.#piece = this.#piece.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    this.#taken += length;
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  /** Four bytes, the highest first. */
  async word(): Promise<number> {
    return (await this.take(4)).readUInt32BE();
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#piece.length === 0) {
      const { done, value } = await this.#pieces.next();
      if (done) return true;
      this.#piece = Buffer.from(value.buffer, value.byteOffset, value.length);
    }
    return false;
  }

  /** Lets go of what is not wanted any more. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  damage(problem: string): OperatorError {
    return new OperatorError('BACKUP_DAMAGED', `${this.#name} cannot be decoded: ${problem} (at byte ${this.#taken})`, {
      hint: 'Restore from another backup, or put the right file there.',
    });
  }
}
