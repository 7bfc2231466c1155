import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { systemClock, type Clock } from '../../src/clock.ts';
import { OperatorError } from '../../src/errors.ts';
import { createLogger } from '../../src/log.ts';
import { createMasterFinder, type MasterFinder, type MasterFinderOptions } from '../../src/mesos/master-finder.ts';
import { parseMasters } from '../../src/mesos/masters.ts';
import { freePort } from '../helpers/free-port.ts';
import { startFaultyWire } from '../helpers/wire-faults.ts';
import { hurried } from './helpers/hurried.ts';
import { listen } from './listen.ts';
import { startPeer, type Exchange, type Peer } from './loopback-peer.ts';
import { Election, startZooKeeper, type Server } from './real-zookeeper.ts';
import { recorded, SCHEDULER, start, type Running } from './running-scheduler.ts';

/** One server for all tests that do not harm it; each has a path of its own. */
let server: Server;
const atEnd: (() => Promise<void>)[] = [];

test.before(async () => {
  server = await startZooKeeper((end) => atEnd.unshift(end));
});

test.after.always(async () => {
  for (const end of atEnd) await end();
});

interface Stage {
  election: Election;
  path: string;
  /** For `--master`. */
  master: string;
  first: Peer;
  second: Peer;
}

/** Two masters, of which none stands for election yet. */
async function stage(t: ExecutionContext, path: string): Promise<Stage> {
  const election = await Election.open(t, server);
  await election.createPath(path);
  const [first, second] = [await startPeer(t), await startPeer(t)];
  return { election, path, master: `zk://127.0.0.1:${server.port}${path}`, first, second };
}

/** Takes the subscription that comes and lets it be one. */
async function subscribe({ events }: Running, peer: Peer): Promise<Exchange> {
  const request = await peer.requests.take();
  request.stream(recorded(SCHEDULER, 7));
  await events.take();
  return request;
}

test('subscribes at the master with the lowest number', async (t) => {
  const { election, path, master, first, second } = await stage(t, '/lowest');
  await election.createPath(`${path}/log_replicas`);
  await election.stand(path, first.address);
  await election.stand(path, second.address);
  const running = start(t, { masters: [master] });
  const request = await subscribe(running, first);
  t.is(request.path, '/api/v1/scheduler');
  t.is(second.requests.size, 0);
});

test('goes to the next leader at once when the first loses the election, although its stream is alive', async (t) => {
  const { election, path, master, first, second } = await stage(t, '/change');
  const znode = await election.stand(path, first.address);
  await election.stand(path, second.address);
  const running = start(t, { masters: [master] });
  await subscribe(running, first);
  await election.vanish(znode);
  await subscribe(running, second);
  t.true(running.client.subscribed);
  const calling = running.client.call({ type: 'REVIVE' });
  (await second.requests.take()).accept();
  await t.notThrowsAsync(calling);
});

test('a master that only stands for election changes nothing', async (t) => {
  const { election, path, master, first, second } = await stage(t, '/candidate');
  const znode = await election.stand(path, first.address);
  const running = start(t, { masters: [master] });
  const stream = await subscribe(running, first);
  const candidate = await election.stand(path, second.address);
  await election.vanish(candidate);
  const third = await startPeer(t);
  await election.stand(path, third.address);
  stream.send(recorded(SCHEDULER, 8));
  t.is((await running.events.take()).type, 'HEARTBEAT');
  await election.vanish(znode);
  await subscribe(running, third);
  t.is(first.requests.size + second.requests.size, 0);
});

test('waits for the first leader, even for the znode below which it will stand', async (t) => {
  const election = await Election.open(t, server);
  const peer = await startPeer(t);
  const running = start(t, { masters: [`zk://127.0.0.1:${server.port}/not-yet/mesos`] });
  await election.createPath('/not-yet');
  await election.createPath('/not-yet/mesos');
  await election.stand('/not-yet/mesos', peer.address);
  await t.notThrowsAsync(subscribe(running, peer));
});

test('passes over a server of the ensemble that is away', async (t) => {
  const { election, path, first } = await stage(t, '/ensemble');
  await election.stand(path, first.address);
  const away = await freePort();
  // Begins at the one that is away.
  const masters = [`zk://127.0.0.1:${away},127.0.0.1:${server.port}${path}`];
  await t.notThrowsAsync(subscribe(start(t, { masters, random: () => 0 }), first));
});

test('shows ZooKeeper user and password where the masters ask for them', async (t) => {
  const credential = { user: 'mesos', password: 's3cret' };
  const election = await Election.open(t, server, credential);
  await election.createPath('/closed', { closed: true });
  const peer = await startPeer(t);
  await election.stand('/closed', peer.address);
  const address = `127.0.0.1:${server.port}/closed`;
  await t.notThrowsAsync(subscribe(start(t, { masters: [`zk://mesos:s3cret@${address}`] }), peer));

  const refused = async (masters: string, reason: RegExp): Promise<void> => {
    const error = await t.throwsAsync(start(t, { masters: [masters] }).ended, { instanceOf: OperatorError });
    t.is(error.code, 'MESOS_REFUSED');
    t.regex(error.message, reason);
    t.regex(error.hint ?? '', /zk:\/\/user:password@/);
    t.false(`${error.message} ${error.hint}`.includes('wr0ng'));
  };
  await refused(`zk://mesos:wr0ng@${address}`, /does not let user "mesos" read zk:\/\/127\.0\.0\.1:\d+\/closed/);
  await refused(`zk://${address}`, /does not let us without credentials read/);
});

test('goes on while ZooKeeper is away: before the first leader is known, and after', async (t) => {
  const port = await freePort();
  const peer = await startPeer(t);
  const running = start(t, { masters: [`zk://127.0.0.1:${port}/mesos`], backoff: { minMs: 20, maxMs: 100 } });
  const end = (act: () => Promise<void>): void => t.teardown(act);
  const own = await startZooKeeper(end, port);
  const election = await Election.open(t, own);
  await election.createPath('/mesos');
  await election.stand('/mesos', peer.address);
  const stream = await subscribe(running, peer);

  await own.kill();
  stream.send(recorded(SCHEDULER, 8));
  t.is((await running.events.take()).type, 'HEARTBEAT');
  // What was known last counts when the stream is lost as well.
  stream.end();
  await subscribe(running, peer);

  // ZooKeeper begins anew, and another master leads.
  const again = await startZooKeeper(end, port);
  const [other, later] = [await startPeer(t), await Election.open(t, again)];
  await later.createPath('/mesos');
  await later.stand('/mesos', other.address);
  await t.notThrowsAsync(subscribe(running, other));
});

/** Asks without a scheduler. */
function finder(t: ExecutionContext, master: string, options: Partial<MasterFinderOptions>): MasterFinder {
  const defaults = { secure: false, backoff: { minMs: 1, maxMs: 5 }, clock: systemClock };
  const log = createLogger('test', 'silent');
  const created = createMasterFinder(parseMasters(master), { log, ...defaults, ...options });
  t.teardown(() => created.close());
  return created;
}

test('notices that ZooKeeper is silent, and hears of the leader that was elected meanwhile', async (t) => {
  const { election, path, first, second } = await stage(t, '/silent');
  const znode = await election.stand(path, first.address);
  await election.stand(path, second.address);
  const wire = await startFaultyWire(t, { target: `127.0.0.1:${server.port}` });
  const masters = finder(t, `zk://${wire.address}${path}`, { sessionTimeoutMs: 3000 });
  const { signal } = new AbortController();
  const leader = await masters.leader(signal);
  t.is(leader.url.host, first.address);
  wire.set({ silent: true });
  await election.vanish(znode);
  wire.set({});
  t.false(leader.replaced.aborted);
  await once(leader.replaced, 'abort');
  t.is((await masters.leader(signal)).url.host, second.address);
});

test('goes on with a new session when the one before has expired', async (t) => {
  const { election, path, master, first, second } = await stage(t, '/expired');
  const znode = await election.stand(path, first.address);
  await election.stand(path, second.address);
  const sessionTimeoutMs = 600;
  // Nothing is sent in time: to ZooKeeper that is a client that has died.
  const clock: Clock = {
    now: () => systemClock.now(),
    sleep: (ms, signal) => systemClock.sleep(ms === sessionTimeoutMs / 3 ? 1e6 : ms, signal),
  };
  const { log, lines } = listen();
  const masters = finder(t, master, { sessionTimeoutMs, clock, log });
  const leader = await masters.leader(new AbortController().signal);
  t.regex(await lines.take(), /knows the leading Mesos master/);
  t.regex(await lines.take(), /the server ended the connection.*lost ZooKeeper/);
  t.false(leader.replaced.aborted);
  await election.vanish(znode);
  await once(leader.replaced, 'abort');
  t.pass();
});

test('masters that ZooKeeper knows speak https where a CA is given', async (t) => {
  const { election, path, master, first } = await stage(t, '/secure');
  await election.stand(path, first.address);
  const { url } = await finder(t, master, { secure: true }).leader(new AbortController().signal);
  t.is(url.href, `https://${first.address}/api/v1/scheduler`);
});

test('says what is wrong when ZooKeeper is none', async (t) => {
  const { address } = await startPeer(t);
  const { log, lines } = listen();
  start(t, { masters: [`zk://${address}/mesos`], log });
  t.regex(await lines.take(), /what came is no ZooKeeper/);
});

test('says after a while that nobody leads', async (t) => {
  const { master } = await stage(t, '/vacant');
  const error = await t.throwsAsync(finder(t, master, { clock: hurried }).leader(new AbortController().signal));
  t.regex(error.message, /no leading master is known from zk:\/\/127\.0\.0\.1:\d+\/vacant: no master is elected/);
});

test('is told to end while nobody leads, and leaves nothing behind', async (t) => {
  const { master } = await stage(t, '/nobody');
  const { ended, abort } = start(t, { masters: [master] });
  abort();
  await t.notThrowsAsync(ended);
});
