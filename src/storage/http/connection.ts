import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { setImmediate as othersTurn } from 'node:timers/promises';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { ConnectionBroke, timedOut } from './broken.ts';
import { Exchange } from './exchange.ts';
import type { HttpRequest } from './request-head.ts';

/** Whom to believe. */
export type Trust = Pick<ConnectionOptions, 'secureContext' | 'rejectUnauthorized'>;

/** When a connection is given up (ms). */
export interface Patience {
  /** Nothing moves while a request is under way. */
  silenceMs: number;
  /** Nobody uses it. */
  idleMs: number;
  /** Nobody has used it for so long, and it breaks: the other side had closed it meanwhile. Before, it has lost a request. */
  trustMs: number;
}

/** Who keeps connections. */
export interface Keeper {
  /** Its request has ended, and another may be sent. */
  onFree(connection: Connection): void;
  /** It has ended; told once, of one that was opened. */
  onGone(connection: Connection): void;
}

/** How connections of one location are made and kept. */
export interface Manner {
  trust: Trust;
  patience: Patience;
  keeper: Keeper;
}

/**
 * What comes is read into it and taken from it before anything else is read: all connections of a thread share it. What has a place of its own does not
 * come by here.
 */
const SHARED = Buffer.allocUnsafeSlow(64 * 1024);

/** Bytes of a body that are handed to the system in one go: an answer that comes meanwhile is seen, and TLS makes no copy of all. */
const PIECE = 1024 * 1024;

/** One connection of HTTP/1.1, with one request at a time. */
export class Connection {
  readonly #socket: Socket;
  readonly #patience: Patience;
  readonly #keeper: Keeper;
  #exchange: Exchange | null = null;
  #isSent = true;
  #freeSince = 0;
  #isOpen = false;
  #isGone = false;

  private constructor(url: URL, { trust, patience, keeper }: Manner) {
    this.#patience = patience;
    this.#keeper = keeper;
    this.#socket = openSocket(url, trust, {
      buffer: () => this.#exchange?.place ?? SHARED,
      callback: (bytes, buffer) => {
        this.#received(bytes, buffer as Buffer);
        return true;
      },
    });
    this.#socket.on('error', (error) => this.#broke(error));
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('close', () => this.#broke(new ConnectionBroke('the connection ended before the answer did')));
    this.#socket.on('timeout', () => this.#close(timedOut()));
  }

  /** Throws the system's error, ETIMEDOUT, or the signal's reason. */
  static async open(
    { url, connectMs, signal }: Pick<HttpRequest, 'url' | 'connectMs' | 'signal'>,
    manner: Manner,
  ): Promise<Connection> {
    signal?.throwIfAborted();
    const connection = new Connection(url, manner);
    const socket = connection.#socket;
    const deadline = setTimeout(() => socket.destroy(timedOut()), connectMs);
    // TLS has as long once more.
    socket.once('connect', () => deadline.refresh());
    const onAbort = (): void => void socket.destroy(signal?.reason as Error);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
          connection.#isOpen = true;
          resolve();
        });
        socket.once('error', reject);
        socket.once('close', () => reject(new ConnectionBroke('the connection ended at once')));
      });
      return connection;
    } finally {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** How long nobody has used it, in ms. */
  get idleMs(): number {
    return performance.now() - this.#freeSince;
  }

  /** What becomes of a request is told by the exchange. `head`: its own. */
  send(request: HttpRequest, head: string): Exchange {
    const { signal, body = [] } = request;
    const exchange = new Exchange(request, {
      pause: () => this.#socket.pause().setTimeout(0),
      resume: () => this.#exchange === exchange && this.#listen(),
      giveUp: (reason) => this.#exchange === exchange && this.#close(reason ?? new ConnectionBroke('nobody reads on')),
    });
    if (this.#isGone) {
      exchange.fail(new ConnectionBroke('the connection ended at once'));
      return exchange;
    }
    this.#exchange = exchange;
    this.#isSent = false;
    this.#socket.ref();
    this.#listen();
    const onAbort = (): void => this.#close(signal?.reason as Error);
    signal?.addEventListener('abort', onAbort, { once: true });
    exchange.onEnd = () => signal?.removeEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    else void this.#write(exchange, head, body);
    return exchange;
  }

  destroy(): void {
    this.#close(new ConnectionBroke('the connection is not wanted any more'));
  }

  /** Never rejects: what breaks is told by the socket. */
  async #write(exchange: Exchange, head: string, body: readonly Uint8Array[]): Promise<void> {
    const [first, ...pieces] = piecesOf(body);
    this.#socket.cork();
    const begun = [head, ...(first === undefined ? [] : [first])].map((piece) => written(this.#socket, piece));
    this.#socket.uncork();
    await Promise.all(begun);
    for (const piece of pieces) {
      // What has come meanwhile is read first: it may be a refusal, and then the other side hears no more.
      await othersTurn();
      if (this.#exchange !== exchange || exchange.hasHead) return;
      await written(this.#socket, piece);
    }
    if (this.#exchange === exchange) this.#isSent = true;
  }

  #listen(): void {
    this.#socket.setTimeout(this.#patience.silenceMs);
    this.#socket.resume();
  }

  #received(bytes: number, buffer: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === null) return this.destroy();
    try {
      if (buffer === SHARED) exchange.push(buffer.subarray(0, bytes));
      else exchange.placed(bytes);
    } catch (error) {
      return this.#close(error as Error);
    }
    if (exchange.hasEnded) this.#free(exchange);
  }

  #free(exchange: Exchange): void {
    this.#detach();
    if (!exchange.isKept || !this.#isSent) return this.destroy();
    this.#freeSince = performance.now();
    // It is read on: the other side may close it, and then nobody is to send anything by it.
    this.#socket.resume().setTimeout(this.#patience.idleMs).unref();
    this.#keeper.onFree(this);
  }

  #ended(): void {
    try {
      this.#exchange?.close();
      this.#detach();
      this.destroy();
    } catch (error) {
      this.#broke(error as Error);
    }
  }

  #broke(error: Error): void {
    if (this.#exchange !== null) this.#exchange.isLost = !this.#exchange.hasBegun;
    this.#close(error);
  }

  #close(error: Error): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const exchange = this.#detach();
    this.#socket.destroy();
    exchange?.fail(error);
    if (this.#isOpen) this.#keeper.onGone(this);
  }

  /** From here on nothing that comes has a place. */
  #detach(): Exchange | null {
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.onEnd();
    return exchange;
  }
}

function openSocket(url: URL, trust: Trust, onread: OnReadOpts): Socket {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isSecure = url.protocol === 'https:';
  const options = { host, port: Number(url.port || (isSecure ? 443 : 80)), noDelay: true, onread };
  if (!isSecure) return connectTcp(options);
  // A server has no names that are addresses (RFC 6066, 3).
  const names = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ ...options, ...names, ...trust, ALPNProtocols: ['http/1.1'] });
}

function piecesOf(body: readonly Uint8Array[]): Uint8Array[] {
  return body.flatMap((bytes) =>
    Array.from({ length: Math.ceil(bytes.length / PIECE) }, (_, index) =>
      bytes.subarray(index * PIECE, (index + 1) * PIECE),
    ),
  );
}

/** Resolves when the system has taken it, or never will. */
function written(socket: Socket, piece: Uint8Array | string): Promise<void> {
  return new Promise((resolve) => {
    if (typeof piece === 'string') socket.write(piece, 'latin1', () => resolve());
    else socket.write(piece, () => resolve());
  });
}
