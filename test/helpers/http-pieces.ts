/** What belongs together on a connection: HTTP's head, a part of a body, or one record of an event stream. */
export interface Piece {
  bytes: Buffer;
  /** True for a chunk of a chunked answer that is one record of a stream: Mesos and Node write them so. */
  isRecord: boolean;
}

const END_OF_HEAD = '\r\n\r\n';

/** Splits what an HTTP server sends. What is no HTTP passes as it comes. */
export class HttpPieces {
  #rest: Buffer = Buffer.alloc(0);
  #state: 'head' | 'body' | 'chunks' | 'raw' = 'head';
  /** Bytes of the body that are still to come. */
  #left = 0;

  push(chunk: Buffer): Piece[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const pieces: Piece[] = [];
    while (this.#rest.length > 0) {
      const piece = this.#next();
      if (piece === null) break;
      pieces.push(piece);
    }
    return pieces;
  }

  /** Null until more has come. */
  #next(): Piece | null {
    if (this.#state === 'head') return this.#head();
    if (this.#state === 'chunks') return this.#chunk();
    if (this.#state === 'raw') return this.#take(this.#rest.length);
    const piece = this.#take(Math.min(this.#left, this.#rest.length));
    this.#left -= piece.bytes.length;
    if (this.#left === 0) this.#state = 'head';
    return piece;
  }

  #head(): Piece | null {
    if (!'HTTP/'.startsWith(this.#rest.toString('latin1', 0, 5))) {
      this.#state = 'raw';
      return this.#next();
    }
    const end = this.#rest.indexOf(END_OF_HEAD);
    if (end < 0) return null;
    const piece = this.#take(end + END_OF_HEAD.length);
    const head = piece.bytes.toString('latin1').toLowerCase();
    this.#left = Number(/\r\ncontent-length: *(\d+)/.exec(head)?.[1] ?? 0);
    if (/\r\ntransfer-encoding: *chunked/.test(head)) this.#state = 'chunks';
    else if (this.#left > 0) this.#state = 'body';
    return piece;
  }

  #chunk(): Piece | null {
    const end = this.#rest.indexOf('\r\n');
    if (end < 0) return null;
    const size = Number.parseInt(this.#rest.toString('latin1', 0, end), 16);
    const length = end + 2 + size + 2;
    if (this.#rest.length < length) return null;
    const { bytes } = this.#take(length);
    if (size === 0) this.#state = 'head';
    return { bytes, isRecord: isRecord(bytes.subarray(end + 2, -2)) };
  }

  #take(length: number): Piece {
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return { bytes, isRecord: false };
  }
}

function isRecord(content: Buffer): boolean {
  const newline = content.indexOf('\n');
  return newline > 0 && content.toString('latin1', 0, newline) === String(content.length - newline - 1);
}
