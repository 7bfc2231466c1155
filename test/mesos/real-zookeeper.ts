// A real ZooKeeper server, started by the test, and masters that stand for election in it as those of Mesos do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import { int, joined, text } from '../../src/mesos/jute.ts';
import { ZooKeeperSession } from '../../src/mesos/zookeeper-session.ts';
import { freePort } from '../helpers/free-port.ts';

const CACHE = fileURLToPath(new URL('../../.cache/zookeeper/', import.meta.url));
/** Small: sessions may be as short as two of them. */
const TICK_MS = 200;
const SMALL_JVM = ['-Xmx64m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

export interface Server {
  port: number;
  /** As a process that dies. */
  kill(): Promise<void>;
}

/** On a free port of 127.0.0.1 when none is given; `teardown` ends it. */
export async function startZooKeeper(teardown: (end: () => Promise<void>) => void, port?: number): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), 'zookeeper-test-'));
  teardown(() => rm(directory, { recursive: true, force: true }));
  for (let attempt = 1; ; attempt += 1) {
    const chosen = port ?? (await freePort());
    const server = await run(directory, chosen);
    if (server === null && attempt < 3) continue;
    if (server === null) throw new Error('ZooKeeper did not start; run scripts/setup');
    teardown(() => server.kill());
    return server;
  }
}

/** Null when it ended instead of serving. */
async function run(directory: string, port: number): Promise<Server | null> {
  const [version = ''] = await readdir(CACHE);
  const configuration = join(directory, 'zoo.cfg');
  const settings = {
    tickTime: TICK_MS,
    dataDir: join(directory, 'data'),
    clientPortAddress: '127.0.0.1',
    clientPort: port,
    'admin.enableServer': false,
  };
  const lines = Object.entries(settings).map((pair) => pair.join('='));
  await writeFile(configuration, lines.join('\n'));
  const classPath = join(CACHE, version, 'lib', '*');
  const main = 'org.apache.zookeeper.server.ZooKeeperServerMain';
  const child = spawn('java', [...SMALL_JVM, '-cp', classPath, main, configuration], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  for await (const line of createInterface(child.stderr)) {
    // The last part that is started: before it connections are accepted and ended.
    if (!line.includes('ContainerManager')) continue;
    child.stderr.resume();
    return { port, kill };
  }
  return null;
}

const CREATE = 1;
const DELETE = 2;
const EPHEMERAL_SEQUENTIAL = 3;
const PERSISTENT = 0;
const ALL = 31;
const READ = 1;

/** Puts znodes into a server as the masters of a Mesos do. */
export class Election {
  readonly #session: ZooKeeperSession;

  private constructor(session: ZooKeeperSession) {
    this.#session = session;
  }

  static async open(
    t: ExecutionContext,
    { port }: { port: number },
    credential?: { user: string; password: string },
  ): Promise<Election> {
    const signal = new AbortController().signal;
    const options = { timeoutMs: 8000, clock: systemClock, signal };
    const session = await ZooKeeperSession.open({ host: '127.0.0.1', port }, options);
    t.teardown(() => session.close());
    if (credential !== undefined) await session.authenticate(credential);
    return new Election(session);
  }

  /** Makes the znode below which masters stand; `closed` lets only its creator read it. */
  async createPath(path: string, { closed = false } = {}): Promise<void> {
    await this.#create(path, '', PERSISTENT, closed);
  }

  /** Stands for election with a name of its own; the first one leads. Gives its znode. */
  stand(path: string, address: string): Promise<string> {
    const [ip, port] = address.split(':');
    const info = { address: { hostname: ip, ip, port: Number(port) }, hostname: ip, id: address, port: Number(port) };
    return this.#create(`${path}/json.info_`, JSON.stringify(info), EPHEMERAL_SEQUENTIAL, false);
  }

  /** As when the session of a master that died has expired. */
  async vanish(znode: string): Promise<void> {
    await this.#session.request(DELETE, joined(text(znode), int(-1)));
  }

  async #create(path: string, data: string, flags: number, closed: boolean): Promise<string> {
    const access = closed
      ? joined(int(1), int(ALL), text('auth'), text(''))
      : joined(int(2), int(ALL), text('world'), text('anyone'), int(READ), text('world'), text('anyone'));
    const answer = await this.#session.request(CREATE, joined(text(path), text(data), access, int(flags)));
    return answer.subarray(4).toString();
  }
}
