// HTTP to a master or an agent: SUBSCRIBE, answered by a stream of records, and all other calls, answered by 202.
// By node:http, because fetch ends a stream on which nothing comes for five minutes, and agents send no heartbeats.
import { X509Certificate } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Clock } from '../clock.ts';
import { messageOf, OperatorError } from '../errors.ts';
import { RecordDecoder } from './record-io.ts';

const MEDIA_TYPE = 'application/x-protobuf';
const ANSWER_TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 5;
/** Of an error's text, in characters. */
const MAX_TEXT = 4096;

/** The peer is gone or cannot serve now: to subscribe again is the way on. Does not leave this room. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

export interface ConnectionOptions {
  clock: Clock;
  /** Goes with every request. */
  authorization?: string;
  /** Certificates in PEM by one of which an https peer's must be signed; without them, those that Node trusts. */
  ca?: string;
}

interface Agents {
  'http:': HttpAgent;
  'https:': HttpsAgent;
}

/** The sockets to one peer (a master, an agent). */
export class Connection {
  readonly #clock: Clock;
  readonly #headers: Record<string, string>;
  readonly #streamAgents: Agents;
  readonly #callAgents: Agents;

  /** Throws BAD_REQUEST when `ca` is no certificate. */
  constructor({ clock, authorization, ca }: ConnectionOptions) {
    if (ca !== undefined) checkCertificate(ca);
    const tls = ca === undefined ? {} : { ca };
    const agents = (options: { maxSockets?: number }): Agents => ({
      'http:': new HttpAgent({ keepAlive: true, ...options }),
      'https:': new HttpsAgent({ keepAlive: true, ...tls, ...options }),
    });
    this.#clock = clock;
    this.#headers = authorization === undefined ? {} : { Authorization: authorization };
    this.#streamAgents = agents({});
    // One socket, so that calls arrive in the order in which they were made.
    this.#callAgents = agents({ maxSockets: 1 });
  }

  /**
   * Opens a subscription, following redirects to the leader. Throws ConnectionLost when the peer is away, not
   * ready or not leading; MESOS_REFUSED when it says no; the signal's reason when that aborts.
   */
  async subscribe<E>(
    url: URL,
    body: Uint8Array,
    decode: (record: Uint8Array) => E,
    signal: AbortSignal,
  ): Promise<EventStream<E>> {
    let target = url;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const closing = new AbortController();
      const either = AbortSignal.any([signal, closing.signal]);
      const answer = await this.#open(target, body, closing, either);
      if (answer.statusCode === 200)
        return new EventStream(target, answer, decode, { clock: this.#clock, closing, signal: either });
      const text = await withTimeout(this.#clock, ANSWER_TIMEOUT_MS, closing, readText(answer)).catch(messageOf);
      const location = answer.headers.location;
      if (answer.statusCode !== 307 || location === undefined) throw subscriptionRefused(target, answer, text);
      target = redirected(target, location);
    }
    throw new ConnectionLost(`${url.href} redirected more than ${MAX_REDIRECTS} times`);
  }

  async #open(url: URL, body: Uint8Array, closing: AbortController, signal: AbortSignal): Promise<IncomingMessage> {
    try {
      const sent = this.#post(url, body, {}, this.#streamAgents, signal);
      return await withTimeout(this.#clock, ANSWER_TIMEOUT_MS, closing, sent);
    } catch (error) {
      throw lost(`subscribe at ${url.href}`, signal, error);
    }
  }

  /** Sends any other call. Throws MESOS_REFUSED, MESOS_UNAVAILABLE or TIMEOUT. */
  async call(url: URL, body: Uint8Array, headers: Record<string, string> = {}): Promise<void> {
    const closing = new AbortController();
    const exchange = async (): Promise<{ status: number; text: string }> => {
      const answer = await this.#post(url, body, headers, this.#callAgents, closing.signal);
      return { status: answer.statusCode ?? 0, text: await readText(answer) };
    };
    try {
      const { status, text } = await withTimeout(this.#clock, ANSWER_TIMEOUT_MS, closing, exchange());
      if (status !== 202) throw callRefused(url, status, text);
    } catch (error) {
      if (error instanceof OperatorError) throw error;
      const code = closing.signal.aborted ? 'TIMEOUT' : 'MESOS_UNAVAILABLE';
      const reason = reasonOf(closing.signal.aborted ? closing.signal.reason : error);
      throw new OperatorError(code, `call ${url.href}: ${reason}`, { cause: error });
    }
  }

  /**
   * Gives up the calls under way. For a new subscription: those of the one before would hold up what follows. Not at
   * its loss, because a stream also ends before the answer to the TEARDOWN that ended it.
   */
  dropCalls(): void {
    this.#callAgents['http:'].destroy();
    this.#callAgents['https:'].destroy();
  }

  #post(
    url: URL,
    body: Uint8Array,
    headers: Record<string, string>,
    agents: Agents,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const secure = url.protocol === 'https:';
    const request = (secure ? httpsRequest : httpRequest)(url, {
      method: 'POST',
      agent: secure ? agents['https:'] : agents['http:'],
      headers: { 'Content-Type': MEDIA_TYPE, Accept: MEDIA_TYPE, ...this.#headers, ...headers },
      signal,
    });
    return new Promise((resolve, reject) => {
      request.on('response', resolve).on('error', reject).end(body);
    });
  }
}

interface StreamControl {
  clock: Clock;
  /** Ends the stream. */
  closing: AbortController;
  /** Aborts with `closing` and when the subscriber gives up. */
  signal: AbortSignal;
}

/** The events of one subscription, in order. */
export class EventStream<E> {
  /** Where the subscription was taken: calls go there too. */
  readonly url: URL;
  readonly streamId: string | undefined;
  readonly #decode: (record: Uint8Array) => E;
  readonly #control: StreamControl;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #records = new RecordDecoder();
  readonly #ready: Uint8Array[] = [];

  constructor(url: URL, answer: IncomingMessage, decode: (record: Uint8Array) => E, control: StreamControl) {
    this.url = url;
    this.streamId = answer.headers['mesos-stream-id']?.toString();
    this.#decode = decode;
    this.#control = control;
    this.#chunks = answer[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /**
   * Waits for the next event, at most `timeoutMs` (null: as long as it takes). Throws ConnectionLost when none
   * comes, the stream ends, or what comes cannot be read.
   */
  async next(timeoutMs: number | null): Promise<E> {
    const { clock, closing, signal } = this.#control;
    try {
      const reading = this.#read();
      return this.#decode(await (timeoutMs === null ? reading : withTimeout(clock, timeoutMs, closing, reading)));
    } catch (error) {
      throw lost(`stream of ${this.url.href}`, signal, error);
    }
  }

  async #read(): Promise<Uint8Array> {
    for (;;) {
      const record = this.#ready.shift();
      if (record !== undefined) return record;
      const { done, value } = await this.#chunks.next();
      if (done === true) throw new ConnectionLost('ended');
      this.#ready.push(...this.#records.push(value));
    }
  }

  close(): void {
    this.#control.closing.abort(new ConnectionLost('closed'));
  }
}

/** What to throw when `error` ended the work: the caller's own abort as it is, all else as ConnectionLost. */
function lost(operation: string, signal: AbortSignal, error: unknown): Error {
  const cause: unknown = signal.aborted ? signal.reason : error;
  if (signal.aborted && !(cause instanceof ConnectionLost)) return cause as Error;
  return new ConnectionLost(`${operation}: ${reasonOf(cause)}`, { cause });
}

/** The text of an error; where it is about TLS, with what to look at. */
function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  if (/CERT|ISSUER|SIGNATURE/.test(code)) {
    return `${messageOf(error)} (${code}): check that --mesos-ca-file holds the CA by which this certificate is signed`;
  }
  return /SSL|EPROTO/.test(code) ? `${messageOf(error)}: check that it speaks https` : messageOf(error);
}

function checkCertificate(ca: string): void {
  try {
    void new X509Certificate(ca);
  } catch (error) {
    const message = `Expected certificates in PEM as the CA of Mesos: ${messageOf(error)}`;
    throw new OperatorError('BAD_REQUEST', message, { cause: error, hint: 'Check --mesos-ca-file.' });
  }
}

/** Where a peer sends us on to. What is secret does not follow from https to http. */
function redirected(from: URL, location: string): URL {
  const to = new URL(location, from);
  if (from.protocol === 'http:' || to.protocol === 'https:') return to;
  throw new ConnectionLost(`${from.href} redirected to ${to.href}, which is not https`);
}

/** Aborts `closing` when `work` takes longer than `ms`; the work has to heed it. */
export async function withTimeout<T>(clock: Clock, ms: number, closing: AbortController, work: Promise<T>): Promise<T> {
  const settled = new AbortController();
  const expire = (): void => closing.abort(new ConnectionLost(`nothing came for ${ms} ms`));
  // The sleep rejects when the work was faster: that is all there is to it.
  clock.sleep(ms, settled.signal).then(expire, () => undefined);
  try {
    return await work;
  } finally {
    settled.abort();
  }
}

async function readText(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) if (text.length < MAX_TEXT) text += chunk as string;
  return text.slice(0, MAX_TEXT).trim();
}

/** Mesos answers 404 before its routes are set up, 503 while it recovers: both mean "later". */
function isLater(status: number): boolean {
  return status === 404 || status === 307 || status >= 500;
}

function subscriptionRefused(url: URL, answer: IncomingMessage, text: string): Error {
  const status = answer.statusCode ?? 0;
  const message = `${url.href} refused the subscription with ${status}: ${text}`;
  return isLater(status) ? new ConnectionLost(message) : refusal('MESOS_REFUSED', message, status, text);
}

/** How Mesos says that the subscription of a call is no more, often before the end of its stream has come here. */
const NOT_SUBSCRIBED = /not subscribed|framework cannot be found|stream ID .* didn't match/i;

function callRefused(url: URL, status: number, text: string): OperatorError {
  const code = isLater(status) || NOT_SUBSCRIBED.test(text) ? 'MESOS_UNAVAILABLE' : 'MESOS_REFUSED';
  return refusal(code, `${url.href} refused the call with ${status}: ${text}`, status, text);
}

function refusal(
  code: 'MESOS_REFUSED' | 'MESOS_UNAVAILABLE',
  message: string,
  status: number,
  body: string,
): OperatorError {
  return new OperatorError(code, message, {
    details: { status, body },
    ...(status === 401 ? { hint: 'Check the principal and secret, or the token, that Mesos was given.' } : {}),
  });
}
