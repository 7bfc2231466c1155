// A TCP proxy on loopback that spoils what passes through it, the same way for the same seed. How to put it between:
//   scheduler ↔ master    startFaultyWire(t, { target: mesos.url }); the scheduler's --master is `wire.url`
//   executor ↔ agent      startFaultyWire(t, { target: 'ip:port of the agent' }); `wire.address` is the agent's
//                         `executorEndpoint` in the options of the embedded Mesos
//   anything else by TCP  delay, drop, slowness and silence know nothing of HTTP
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { HttpPieces, type Piece } from './http-pieces.ts';

/** What happens to a record of an event stream. `drop`: the connection ends instead of it. */
export type RecordFault = 'drop' | 'cut' | 'garbage' | 'duplicate';

/** Probabilities from 0 to 1, for each record; `drop` for each piece of anything, in both directions. */
export interface WireFaults extends Partial<Record<RecordFault, number>> {
  /** Each piece comes up to so many ms later, in order. */
  delayMs?: number;
  /** No more than so many bytes in a second: a slow reader, who is not waited for by buffering here. */
  bytesPerSecond?: number;
  /**
   * Nothing passes and nobody is told: half open. A connection that was there or began meanwhile stays dead, as it does
   * where a firewall has forgotten it.
   */
  silent?: boolean;
}

export interface FaultyWire {
  /** `127.0.0.1:port` */
  address: string;
  url: string;
  /** From now on, instead of those before. */
  set(faults: WireFaults): void;
  /** Once, to the next record from the target. Resolves when it has happened. */
  next(fault: RecordFault): Promise<void>;
  /** Ends all connections. */
  drop(): void;
  /** How often each fault has happened. */
  struck: Readonly<Record<RecordFault, number>>;
}

export interface WireOptions {
  /** `host:port` or URL. */
  target: string;
  faults?: WireFaults;
  seed?: number;
}

/** More than any record may be, and more than a machine has. */
const GARBAGE = Buffer.from('f\r\n99999999999999\n\r\n');

/** Ends with the test. */
export async function startFaultyWire(
  t: Pick<ExecutionContext, 'teardown'>,
  options: WireOptions,
): Promise<FaultyWire> {
  const wire = new Wire(options);
  const server = createServer({ pauseOnConnect: true }, (client) => wire.join(client));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.close();
    wire.drop();
    await once(server, 'close');
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address,
    url: `http://${address}`,
    set: (faults) => wire.set(faults),
    next: (fault) => wire.next(fault),
    drop: () => wire.drop(),
    struck: wire.struck,
  };
}

/** Both ends of one connection. */
interface Link {
  client: Socket;
  target: Socket;
  /** Nothing passes any more. */
  dead: boolean;
}

class Wire {
  readonly struck = { drop: 0, cut: 0, garbage: 0, duplicate: 0 };
  readonly #target: { host: string; port: number };
  readonly #random: () => number;
  readonly #links = new Set<Link>();
  #faults: WireFaults;
  /** Faults that were asked for once. */
  readonly #ordered: { fault: RecordFault; done: () => void }[] = [];

  constructor({ target, faults = {}, seed = 1 }: WireOptions) {
    const { hostname, port } = new URL(target.includes('://') ? target : `http://${target}`);
    this.#target = { host: hostname, port: Number(port) };
    this.#faults = faults;
    this.#random = randomNumbers(seed);
  }

  set(faults: WireFaults): void {
    this.#faults = faults;
    this.#silence();
  }

  next(fault: RecordFault): Promise<void> {
    return new Promise((resolve) => {
      this.#ordered.push({ fault, done: resolve });
    });
  }

  drop(): void {
    for (const link of this.#links) this.#end(link);
  }

  join(client: Socket): void {
    const link: Link = { client, target: connect({ ...this.#target, noDelay: true }), dead: false };
    client.setNoDelay(true);
    this.#links.add(link);
    this.#silence();
    for (const socket of [link.client, link.target]) {
      socket.on('error', () => this.#lost(link)).on('close', () => this.#lost(link));
    }
    void this.#pass(link, client, link.target, (chunk) => [{ bytes: chunk, isRecord: false }]);
    const pieces = new HttpPieces();
    void this.#pass(link, link.target, client, (chunk) => pieces.push(chunk));
  }

  #silence(): void {
    if (this.#faults.silent === true) for (const link of this.#links) link.dead = true;
  }

  /** Of a dead connection the other end is not told. */
  #lost(link: Link): void {
    if (!link.dead) this.#end(link);
  }

  #end(link: Link): void {
    link.dead = true;
    this.#links.delete(link);
    link.client.destroy();
    link.target.destroy();
  }

  async #pass(link: Link, from: Socket, to: Socket, split: (chunk: Buffer) => Piece[]): Promise<void> {
    try {
      for await (const chunk of from) for (const piece of split(chunk as Buffer)) await this.#deliver(link, to, piece);
      if (!link.dead) to.end();
    } catch {
      // A connection that ends early is what this is for.
      this.#lost(link);
    }
  }

  async #deliver(link: Link, to: Socket, piece: Piece): Promise<void> {
    if (link.dead) return;
    const { delayMs = 0 } = this.#faults;
    if (delayMs > 0) await sleep(this.#random() * delayMs);
    const fault = this.#choose(piece);
    if (fault !== null) this.struck[fault.kind] += 1;
    try {
      if (fault?.kind === 'garbage') await this.#write(link, to, GARBAGE);
      if (fault?.kind === 'duplicate') await this.#write(link, to, piece.bytes);
      if (fault?.kind === 'cut') await this.#write(link, to, piece.bytes.subarray(0, piece.bytes.length / 2));
      else if (fault?.kind !== 'drop') await this.#write(link, to, piece.bytes);
      if (fault?.kind === 'cut' || fault?.kind === 'drop') this.#end(link);
    } finally {
      // Whoever gets garbage may hang up before the rest has come.
      fault?.done();
    }
  }

  #choose({ isRecord }: Piece): { kind: RecordFault; done: () => void } | null {
    const ordered = isRecord ? this.#ordered.shift() : undefined;
    if (ordered !== undefined) return { kind: ordered.fault, done: ordered.done };
    const kinds: RecordFault[] = isRecord ? ['drop', 'cut', 'garbage', 'duplicate'] : ['drop'];
    const kind = kinds.find((name) => this.#random() < (this.#faults[name] ?? 0));
    return kind === undefined ? null : { kind, done: () => undefined };
  }

  async #write(link: Link, to: Socket, bytes: Buffer): Promise<void> {
    const { bytesPerSecond } = this.#faults;
    const step = bytesPerSecond === undefined ? bytes.length : Math.max(1, Math.floor(bytesPerSecond / 100));
    for (let at = 0; at < bytes.length && !link.dead; at += step) {
      if (bytesPerSecond !== undefined) await sleep(10);
      if (to.destroyed) throw new Error('the other end is gone');
      if (!to.write(bytes.subarray(at, at + step))) await once(to, 'drain');
    }
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
