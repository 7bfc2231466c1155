import { EventEmitter, once } from 'node:events';
import { pause, type Clock } from '../clock.ts';
import { messageOf, OperatorError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { Backoff, type BackoffOptions } from './backoff.ts';
import { ConnectionLost, withTimeout } from './connection.ts';
import { masterUrl, type Masters, type MastersAtZooKeeper } from './masters.ts';
import { ZooKeeperError, ZooKeeperSession } from './zookeeper-session.ts';

/** A master to subscribe at. */
export interface Leader {
  url: URL;
  /** Aborts, with ConnectionLost, once another one is known to lead. */
  replaced: AbortSignal;
}

/** Knows where the leading master is. */
export interface MasterFinder {
  /**
   * Where to try next. Throws ConnectionLost when no master is known to lead, MESOS_REFUSED when those who know do not
   * tell us, and the signal's reason.
   */
  leader(signal: AbortSignal): Promise<Leader>;
  /** Ends what goes on in the background. */
  close(): void;
}

export interface MasterFinderOptions {
  /** True when masters speak TLS: ZooKeeper does not say. */
  secure: boolean;
  backoff: BackoffOptions;
  log: Logger;
  clock: Clock;
  random?: () => number;
  /** Of ZooKeeper, in ms. */
  sessionTimeoutMs?: number;
}

export function createMasterFinder(masters: Masters, options: MasterFinderOptions): MasterFinder {
  return 'urls' in masters ? new MasterList(masters.urls) : new ZooKeeperFinder(masters.zooKeeper, options);
}

/** One master after the other: any that is there redirects to the leader. */
class MasterList implements MasterFinder {
  readonly #urls: URL[];
  readonly #never = new AbortController().signal;
  #next = 0;

  constructor(urls: URL[]) {
    this.#urls = urls;
  }

  leader(): Promise<Leader> {
    const url = this.#urls[this.#next % this.#urls.length] as URL;
    this.#next += 1;
    return Promise.resolve({ url, replaced: this.#never });
  }

  close(): void {
    this.#next = 0;
  }
}

/** Mesos's own. */
const SESSION_TIMEOUT_MS = 10_000;
/** How long to wait for a master to be elected before it is said that there is none. */
const ELECTION_TIMEOUT_MS = 10_000;
/** The znodes by which masters stand for election: the lowest number leads. */
const CANDIDATE = /^json\.info_\d+$/;

type Known =
  | { state: 'unknown'; reason: string }
  | { state: 'elected'; znode: string; url: URL; replaced: AbortController }
  | { state: 'refused'; error: OperatorError };

/**
 * Follows the election in ZooKeeper from the first question on. While ZooKeeper is away the last leader known counts:
 * its heartbeats say whether it is there.
 */
class ZooKeeperFinder implements MasterFinder {
  readonly #ensemble: MastersAtZooKeeper;
  readonly #options: MasterFinderOptions;
  readonly #backoff: Backoff;
  readonly #changes = new EventEmitter();
  #nextServer: number;
  #known: Known = { state: 'unknown', reason: 'ZooKeeper was not asked yet' };
  /** Set while the election is followed. */
  #following: AbortController | null = null;

  constructor(ensemble: MastersAtZooKeeper, options: MasterFinderOptions) {
    this.#ensemble = ensemble;
    this.#options = options;
    this.#backoff = new Backoff(options.backoff, options.random);
    this.#nextServer = Math.floor((options.random ?? Math.random)() * ensemble.servers.length);
  }

  async leader(signal: AbortSignal): Promise<Leader> {
    this.#start();
    const closing = new AbortController();
    try {
      const waiting = this.#election(AbortSignal.any([signal, closing.signal]));
      const { url, replaced } = await withTimeout(this.#options.clock, ELECTION_TIMEOUT_MS, closing, waiting);
      return { url, replaced: replaced.signal };
    } catch (error) {
      signal.throwIfAborted();
      if (!closing.signal.aborted) throw error;
      const reason = this.#known.state === 'unknown' ? this.#known.reason : messageOf(closing.signal.reason);
      throw new ConnectionLost(`no leading master is known from ${this.#name}: ${reason}`, { cause: error });
    }
  }

  close(): void {
    this.#following?.abort();
    this.#following = null;
  }

  /** For people: without the password. */
  get #name(): string {
    const { servers, path } = this.#ensemble;
    return `zk://${servers.map(({ host, port }) => `${host}:${port}`).join(',')}${path}`;
  }

  async #election(signal: AbortSignal): Promise<Extract<Known, { state: 'elected' }>> {
    for (;;) {
      const known = this.#known;
      if (known.state === 'elected') return known;
      if (known.state === 'refused') throw known.error;
      await once(this.#changes, 'change', { signal });
    }
  }

  #start(): void {
    if (this.#following !== null) return;
    this.#following = new AbortController();
    if (this.#known.state === 'refused') this.#known = { state: 'unknown', reason: 'ZooKeeper is asked again' };
    void this.#follow(this.#following.signal);
  }

  /** Goes from server to server until the signal aborts or one refuses us. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { servers } = this.#ensemble;
    const { log, clock } = this.#options;
    while (!signal.aborted) {
      const server = servers[this.#nextServer % servers.length] as { host: string; port: number };
      this.#nextServer += 1;
      try {
        await this.#followAt(server, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ZooKeeperError && error.isRefusal) return this.#refuse(error);
        const reason = `${server.host}:${server.port}: ${messageOf(error)}`;
        log.warn({ reason }, 'lost ZooKeeper, which knows the leading Mesos master');
        if (this.#known.state === 'unknown') this.#known = { state: 'unknown', reason };
        await pause(clock, this.#backoff.next(), signal);
      }
    }
  }

  /** Ends by throwing. */
  async #followAt(server: { host: string; port: number }, signal: AbortSignal): Promise<never> {
    const { clock, sessionTimeoutMs = SESSION_TIMEOUT_MS } = this.#options;
    const session = await ZooKeeperSession.open(server, { timeoutMs: sessionTimeoutMs, clock, signal });
    try {
      if (this.#ensemble.credential) await session.authenticate(this.#ensemble.credential);
      for (;;) {
        const { names, changed } = await session.children(this.#ensemble.path);
        const znode = names.filter((name) => CANDIDATE.test(name)).sort()[0];
        // Null when it vanished meanwhile; then `changed` has come as well.
        const info = znode === undefined ? null : await session.data(`${this.#ensemble.path}/${znode}`);
        if (znode === undefined || info === null) this.#vacate();
        else this.#elect(znode, info);
        this.#backoff.reset();
        await changed;
      }
    } finally {
      session.close();
    }
  }

  #elect(znode: string, info: string): void {
    const url = masterUrl(info, this.#options.secure);
    if (url === null) throw new ConnectionLost(`expected the address of a master in znode ${znode}, got none`);
    if (this.#known.state === 'elected' && this.#known.znode === znode && this.#known.url.href === url.href) return;
    this.#options.log.info({ master: url.href, znode }, 'ZooKeeper knows the leading Mesos master');
    this.#learn({ state: 'elected', znode, url, replaced: new AbortController() });
  }

  #vacate(): void {
    this.#learn({ state: 'unknown', reason: 'no master is elected' });
  }

  #refuse(cause: ZooKeeperError): void {
    this.#following = null;
    const { credential } = this.#ensemble;
    const whom = credential === undefined ? 'us without credentials' : `user ${JSON.stringify(credential.user)}`;
    const error = new OperatorError('MESOS_REFUSED', `ZooKeeper does not let ${whom} read ${this.#name}`, {
      cause,
      hint: 'Check user and password in --master zk://user:password@…, which are those that the masters were given.',
    });
    this.#learn({ state: 'refused', error });
  }

  #learn(known: Known): void {
    const before = this.#known;
    this.#known = known;
    if (before.state === 'elected') before.replaced.abort(new ConnectionLost('it does not lead any more'));
    this.#changes.emit('change');
  }
}
