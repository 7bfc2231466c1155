import { Readable } from 'node:stream';
import type { AnswerHead } from './answer-head.ts';
import { AnswerParser, type AnswerSink } from './answer-parser.ts';
import type { HttpRequest } from './request-head.ts';

/** The answer to a request. */
export interface HttpAnswer {
  status: number;
  /** By names in lower case. */
  headers: Record<string, string>;
  /** To be read to its end or destroyed: until then it holds its connection. Of what came into `into` one chunk, that very memory. */
  body: Readable;
}

/** What an exchange may do to its connection. */
export interface Line {
  pause(): void;
  resume(): void;
  /** Nobody wants the answer any more. */
  giveUp(reason: Error | null): void;
}

/** One request and its answer. It settles once, and hears nothing of its connection after that but its body. */
export class Exchange implements AnswerSink {
  readonly answer: Promise<HttpAnswer>;
  /** The connection broke before anything of an answer had come. */
  isLost = false;
  /** To be called when nothing more will come. */
  onEnd: () => void = () => undefined;
  readonly #request: HttpRequest;
  readonly #line: Line;
  readonly #parser: AnswerParser;
  #resolve!: (answer: HttpAnswer) => void;
  #reject!: (error: unknown) => void;
  #head: AnswerHead | null = null;
  /** Of an answer that comes into memory: all of that. */
  #whole: Buffer | null = null;
  #body: Readable | null = null;

  constructor(request: HttpRequest, line: Line) {
    this.#request = request;
    this.#line = line;
    this.#parser = new AnswerParser(request.method, this);
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Something of an answer has come. */
  get hasBegun(): boolean {
    return this.#parser.hasBegun;
  }

  /** More than that it is still to come. */
  get hasHead(): boolean {
    return this.#head !== null;
  }

  /** All of it has. */
  get hasEnded(): boolean {
    return this.#parser.hasEnded;
  }

  get isKept(): boolean {
    return this.#head?.isKept ?? false;
  }

  /** Where the next bytes may be written straight away. */
  get place(): Buffer | null {
    return this.#parser.place;
  }

  /** So many bytes have come there. Throws GarbledAnswer. */
  placed(bytes: number): void {
    this.#parser.placed(bytes);
    this.#request.moved?.();
  }

  /** These bytes have come, and are others when it returns. Throws GarbledAnswer. */
  push(bytes: Buffer): void {
    this.#parser.push(bytes);
  }

  /** Nothing more will come. Throws ConnectionBroke where more was to. */
  close(): void {
    this.#parser.close();
  }

  fail(error: Error): void {
    this.#reject(error);
    this.#body?.destroy(error);
  }

  head(head: AnswerHead, bytes: number | null): Buffer | null {
    const { into } = this.#request;
    this.#head = head;
    if (into !== undefined && bytes !== null && bytes <= into.length && head.status >= 200 && head.status < 300) {
      this.#whole = into.subarray(0, bytes);
      return this.#whole;
    }
    this.#body = new Readable({
      read: () => this.#line.resume(),
      destroy: (error, done) => {
        if (!this.hasEnded) this.#line.giveUp(error);
        done(error);
      },
    });
    this.#tell(head, this.#body);
    return null;
  }

  data(bytes: Buffer): void {
    this.#request.moved?.();
    if (!this.#body!.push(Buffer.from(bytes))) this.#line.pause();
  }

  end(): void {
    if (this.#body !== null) this.#body.push(null);
    else this.#tell(this.#head!, Readable.from(this.#whole!.length === 0 ? [] : [this.#whole!], { objectMode: false }));
  }

  #tell({ status, headers }: AnswerHead, body: Readable): void {
    // Of one that is read no more nobody is told.
    body.on('error', () => undefined);
    this.#resolve({ status, headers, body });
  }
}
