import { framingOf, parseHead, type AnswerHead } from './answer-head.ts';
import { ConnectionBroke, GarbledAnswer } from './broken.ts';

/** Who is told of an answer while it comes. */
export interface AnswerSink {
  /** Where the body is to be written, which has so many bytes (null: it does not say); null where `data` is to be told of it. */
  head(head: AnswerHead, bytes: number | null): Buffer | null;
  /** The bytes are others when it returns. */
  data(bytes: Buffer): void;
  end(): void;
}

/** Node's own limit of a head (bytes), and ours of any line. */
const LONGEST_TEXT = 16 * 1024;
const BEGINNING = 'HTTP/1.';
const NOTHING = Buffer.alloc(0);

type State = 'head' | 'body' | 'until closed' | 'chunk size' | 'chunk' | 'end of chunk' | 'trailers' | 'ended';

/** Takes one answer apart as it comes, in pieces of any size. Does no input or output. */
export class AnswerParser {
  #state: State = 'head';
  readonly #method: string;
  readonly #sink: AnswerSink;
  /** Of a head or a line: what has come so far. */
  #text = NOTHING;
  /** Bytes of the body or the chunk that are still to come. */
  #left = 0;
  /** Where they are to be written. */
  #place: Buffer | null = null;
  #begun = false;

  /** `method`: of the request, of which some have answers without a body. */
  constructor(method: string, sink: AnswerSink) {
    this.#method = method;
    this.#sink = sink;
  }

  /** True when anything has come. */
  get hasBegun(): boolean {
    return this.#begun;
  }

  get hasEnded(): boolean {
    return this.#state === 'ended';
  }

  /** Where the next bytes may be written straight away, to be told by `placed`; null where they are to be pushed. */
  get place(): Buffer | null {
    return this.#state === 'body' ? this.#place : null;
  }

  /** So many bytes are in `place`. */
  placed(bytes: number): void {
    this.#place = this.#place!.subarray(bytes);
    this.#passed(bytes);
  }

  /** Throws GarbledAnswer. */
  push(bytes: Buffer): void {
    this.#begun ||= bytes.length > 0;
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(this.#take(rest));
  }

  /** Nothing more will come. Throws ConnectionBroke where more was to. */
  close(): void {
    if (this.#state === 'until closed') this.#end();
    if (this.#state === 'ended') return;
    const said = this.#state === 'body' ? `, and ${this.#left} more bytes were to come` : '';
    throw new ConnectionBroke(`the connection ended before the answer did${said}`);
  }

  /** How many of the bytes it has used. */
  #take(bytes: Buffer): number {
    switch (this.#state) {
      case 'head':
        return this.#takeHead(bytes);
      case 'body':
      case 'chunk':
        return this.#takeBody(bytes.subarray(0, this.#left));
      case 'until closed':
        this.#sink.data(bytes);
        return bytes.length;
      case 'chunk size':
        return this.#takeLine(bytes, (line) => this.#beginChunk(line));
      case 'end of chunk':
        return this.#takeLine(bytes, (line) => {
          if (line !== '') throw new GarbledAnswer('HPE_INVALID_ANSWER', 'a chunk is longer than it says');
          this.#state = 'chunk size';
        });
      case 'trailers':
        return this.#takeLine(bytes, (line) => {
          if (line === '') this.#end();
        });
      default:
        throw new GarbledAnswer('HPE_INVALID_ANSWER', 'more came than was asked for');
    }
  }

  #takeHead(bytes: Buffer): number {
    const text = Buffer.concat([this.#text, bytes.subarray(0, BEGINNING.length)]).toString(
      'latin1',
      0,
      BEGINNING.length,
    );
    // What is no HTTP may never come to an end of a head.
    if (!BEGINNING.startsWith(text)) {
      throw new GarbledAnswer('HPE_INVALID_CONSTANT', 'expected an answer of HTTP/1.1, got something else');
    }
    return this.#takeUntil('\r\n\r\n', bytes, (head) => this.#beginBody(parseHead(head)));
  }

  #takeLine(bytes: Buffer, act: (line: string) => void): number {
    return this.#takeUntil('\r\n', bytes, act);
  }

  #takeUntil(end: string, bytes: Buffer, act: (text: string) => void): number {
    const before = this.#text.length;
    const all = before === 0 ? bytes : Buffer.concat([this.#text, bytes]);
    const at = all.indexOf(end, Math.max(0, before - end.length + 1), 'latin1');
    if ((at < 0 ? all.length : at) > LONGEST_TEXT) {
      throw new GarbledAnswer(
        'HPE_HEADER_OVERFLOW',
        `a head or line of the answer has more than ${LONGEST_TEXT} bytes`,
      );
    }
    if (at < 0) {
      this.#text = Buffer.from(all);
      return bytes.length;
    }
    this.#text = NOTHING;
    act(all.toString('latin1', 0, at));
    return at + end.length - before;
  }

  #beginBody(head: AnswerHead): void {
    // Informational: the answer is still to come.
    if (head.status < 200) return;
    const framing = framingOf(this.#method, head);
    const bytes = typeof framing === 'number' ? framing : null;
    this.#state = framing === 'chunked' ? 'chunk size' : framing === 'until closed' ? framing : 'body';
    this.#left = bytes ?? 0;
    this.#place = this.#sink.head(head, bytes);
    if (bytes === 0) this.#end();
  }

  #beginChunk(line: string): void {
    const [, size] = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line) ?? [];
    if (size === undefined) throw new GarbledAnswer('HPE_INVALID_ANSWER', 'a chunk does not say how long it is');
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
  }

  #takeBody(bytes: Buffer): number {
    if (this.#place === null) this.#sink.data(bytes);
    else this.#place = this.#place.subarray(bytes.copy(this.#place));
    this.#passed(bytes.length);
    return bytes.length;
  }

  #passed(bytes: number): void {
    this.#left -= bytes;
    if (this.#left > 0) return;
    if (this.#state === 'chunk') this.#state = 'end of chunk';
    else this.#end();
  }

  #end(): void {
    this.#state = 'ended';
    this.#place = null;
    this.#sink.end();
  }
}
