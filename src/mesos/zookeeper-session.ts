// One session at one ZooKeeper server, as far as finding a leader needs it: read a znode and watch it. Facts of the wire
// (packets of jute behind their length, big-endian; numbers of requests and errors) are those of ZooKeeper 3.4 to 3.9.
import { connect, type Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { ConnectionLost } from './connection.ts';
import { JuteReader, joined, int, long, text } from './jute.ts';

const EXISTS = 3;
const GET_DATA = 4;
const GET_CHILDREN = 8;
const PING = 11;
const AUTH = 100;
const CLOSE = -11;

/** Instead of a request's own number. */
const WATCH_XID = -1;
const PING_XID = -2;
const AUTH_XID = -4;

const NO_NODE = -101;
/** No permission, authentication failed, or the server wants another kind of it. */
const REFUSALS = [-102, -115, -124];

/** No packet of ours is near it: ZooKeeper refuses larger ones itself (jute.maxbuffer). */
const MAX_PACKET_BYTES = 4 * 1024 * 1024;

/** A promise that somebody else settles. */
interface Deferred<T> {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

function deferred<T>(): Deferred<T> {
  let settle: Omit<Deferred<T>, 'promise'> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...(settle as Omit<Deferred<T>, 'promise'>) };
}

/** What ZooKeeper answered instead of what was asked for. */
export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError';
  readonly code: number;

  constructor(code: number) {
    super(`ZooKeeper answered with error ${code}`);
    this.code = code;
  }

  /** True when the same request is refused again until someone changes a password or a permission. */
  get isRefusal(): boolean {
    return REFUSALS.includes(this.code);
  }
}

export interface SessionOptions {
  /** What the server is asked for, in ms; silence of a third of it is taken as the session's end. */
  timeoutMs: number;
  clock: Clock;
  /** Ends the session. */
  signal: AbortSignal;
}

/**
 * A session ends with its connection: nothing in ZooKeeper is ours that would be lost with it, and a new one reads
 * everything again. So there is nothing to resume, and an expired session is like any other that ended.
 */
export class ZooKeeperSession {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  readonly #requests = new Map<number, Deferred<Buffer>>();
  #watch: Deferred<void> | null = null;
  /** For the answer to the first packet, which is unlike all others. */
  readonly #opening = deferred<Buffer>();
  #isOpen = false;
  #received: Buffer = Buffer.alloc(0);
  #lastXid = 0;
  #timeoutMs: number;
  /** True while the server owes us a packet. */
  #owing = true;

  /** Throws ConnectionLost. */
  static async open(server: { host: string; port: number }, options: SessionOptions): Promise<ZooKeeperSession> {
    const session = new ZooKeeperSession(server, options);
    try {
      await session.#open();
      return session;
    } catch (error) {
      session.#end(error);
      throw error;
    }
  }

  private constructor(server: { host: string; port: number }, { timeoutMs, clock, signal }: SessionOptions) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#socket = connect({ ...server, noDelay: true, signal })
      .on('data', (chunk) => this.#take(chunk))
      .on('error', (error) => this.#end(error))
      .on('close', () => this.#end(new ConnectionLost('the server ended the connection')));
    void this.#keepAlive();
  }

  /** Shows ZooKeeper who reads. Wrong ones show at the first request: a digest is not checked before. */
  async authenticate({ user, password }: { user: string; password: string }): Promise<void> {
    await this.#send(AUTH_XID, AUTH, joined(int(0), text('digest'), text(`${user}:${password}`)));
  }

  /**
   * Names of a znode's children; none when it does not exist. `changed` resolves when that is no longer so, and
   * rejects with the session's end. Throws ZooKeeperError or ConnectionLost.
   */
  async children(path: string): Promise<{ names: string[]; changed: Promise<void> }> {
    const watch = this.#newWatch();
    for (;;) {
      const children = await this.#find(GET_CHILDREN, path, true);
      if (children !== null) return { names: new JuteReader(children).strings(), changed: watch };
      if ((await this.#find(EXISTS, path, true)) === null) return { names: [], changed: watch };
    }
  }

  /** A znode's content, null when it does not exist. Throws ZooKeeperError or ConnectionLost. */
  async data(path: string): Promise<string | null> {
    const answer = await this.#find(GET_DATA, path, false);
    return answer === null ? null : new JuteReader(answer).text();
  }

  /** Any request by its number; the answer is what follows its header. Throws ZooKeeperError or ConnectionLost. */
  request(type: number, body: Buffer): Promise<Buffer> {
    this.#lastXid += 1;
    return this.#send(this.#lastXid, type, body);
  }

  close(): void {
    // Tells the server, which would else keep the session for its timeout. No answer is waited for.
    if (this.#isOpen) this.#write(joined(int(this.#lastXid + 1), int(CLOSE)));
    this.#end(new ConnectionLost('closed'));
  }

  async #open(): Promise<void> {
    const [version, lastZxid, noSession] = [int(0), long(0), long(0)];
    const password = joined(int(16), Buffer.alloc(16));
    const readOnly = Buffer.of(0);
    this.#write(joined(version, lastZxid, int(this.#timeoutMs), noSession, password, readOnly));
    const answer = new JuteReader(await this.#opening.promise);
    answer.int();
    this.#timeoutMs = answer.int();
  }

  async #find(type: number, path: string, watch: boolean): Promise<Buffer | null> {
    try {
      return await this.request(type, joined(text(path), Buffer.of(watch ? 1 : 0)));
    } catch (error) {
      if (error instanceof ZooKeeperError && error.code === NO_NODE) return null;
      throw error;
    }
  }

  #newWatch(): Promise<void> {
    this.#watch = deferred<void>();
    // Who waits for it is told; a session that ended first has nobody to tell.
    this.#watch.promise.catch(() => undefined);
    return this.#watch.promise;
  }

  #send(xid: number, type: number, body: Buffer): Promise<Buffer> {
    const { reason, aborted } = this.#ended.signal;
    if (aborted) return Promise.reject(reason as Error);
    const request = deferred<Buffer>();
    this.#requests.set(xid, request);
    this.#write(joined(int(xid), int(type), body));
    return request.promise;
  }

  #write(packet: Buffer): void {
    this.#socket.write(joined(int(packet.length), packet));
  }

  #take(chunk: Buffer): void {
    try {
      this.#readPackets(chunk);
    } catch (error) {
      this.#end(error);
    }
  }

  #readPackets(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 4) {
      const length = this.#received.readInt32BE();
      if (length < 0 || length > MAX_PACKET_BYTES) throw new ConnectionLost('what came is no ZooKeeper');
      if (this.#received.length < 4 + length) return;
      const packet = this.#received.subarray(4, 4 + length);
      this.#received = this.#received.subarray(4 + length);
      this.#owing = false;
      if (this.#isOpen) this.#onPacket(packet);
      else this.#opening.resolve(packet);
      this.#isOpen = true;
    }
  }

  #onPacket(packet: Buffer): void {
    const reader = new JuteReader(packet);
    const xid = reader.int();
    reader.long();
    const error = reader.int();
    if (xid === WATCH_XID) this.#watch?.resolve();
    const request = this.#requests.get(xid);
    this.#requests.delete(xid);
    if (error === 0) request?.resolve(reader.rest());
    else request?.reject(new ZooKeeperError(error));
  }

  /** A server that owes an answer for a third of the timeout is taken as gone: the connection may be half open. */
  async #keepAlive(): Promise<void> {
    try {
      for (;;) {
        await this.#clock.sleep(this.#timeoutMs / 3, this.#ended.signal);
        if (this.#owing) throw new ConnectionLost(`nothing came for ${Math.round(this.#timeoutMs / 3)} ms`);
        this.#owing = true;
        this.#write(joined(int(PING_XID), int(PING)));
      }
    } catch (error) {
      this.#end(error);
    }
  }

  /** Tells everyone who waits. Only the first reason counts. */
  #end(error: unknown): void {
    if (this.#ended.signal.aborted) return;
    const reason = error instanceof ConnectionLost ? error : new ConnectionLost(messageOf(error), { cause: error });
    this.#ended.abort(reason);
    // What was written last is to arrive; what never connected has nowhere to arrive.
    if (this.#isOpen) this.#socket.destroySoon();
    else this.#socket.destroy();
    this.#opening.reject(reason);
    this.#watch?.reject(reason);
    for (const request of this.#requests.values()) request.reject(reason);
    this.#requests.clear();
  }
}
