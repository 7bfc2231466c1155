import test from 'ava';
import { Jolokia } from '../../src/cassandra/jolokia.ts';
import { LiveNode } from '../../src/cassandra/live-node.ts';
import { CassandraProcess } from '../../src/cassandra/process.ts';
import { STORAGE_SERVICE } from '../../src/cassandra/storage-service.ts';
import { systemClock } from '../../src/clock.ts';
import { nodeDecommission } from '../../src/executor/node-decommission.ts';
import { nodeRepair } from '../../src/executor/node-repair.ts';
import type { NodeContext } from '../../src/executor/step-context.ts';
import { makeHost } from '../helpers/step-context.ts';
import { dependencies, smallNode, temporaryDirectory } from './real-cassandra.ts';

const [FIRST, SECOND] = ['127.0.0.26', '127.0.0.27'] as const;

const replication = (factor: number) => `replication = {'class': 'NetworkTopologyStrategy', 'dc-test': ${factor}}`;

test('a node of a real ring of two is repaired and leaves it, and is not missed', async (t) => {
  t.timeout(180_000);
  const directory = await temporaryDirectory(t);
  const host = await makeHost(t);
  const wanted = await smallNode(directory, FIRST);
  const start = async (number: number, address: string) => {
    const sandbox = `${directory}/${number}`;
    const executorId = `cassandra.test-cluster.node.${number}.executor`;
    const own = { ...(await smallNode(sandbox, address)), seeds: wanted.seeds, executorId, heapMb: 384 };
    const ports = { ...own.ports, storage: wanted.ports.storage, native: wanted.ports.native };
    const server = await CassandraProcess.start({ ...own, ports }, dependencies(sandbox));
    const node = new LiveNode(server.endpoint, systemClock);
    t.teardown(async () => {
      await node.close();
      await server.stop({ drain: false, graceMs: 10_000 });
    });
    await server.ready();
    return { server, node };
  };
  const stays = await start(0, FIRST);
  const leaves = await start(1, SECOND);
  await stays.node.execute(`CREATE KEYSPACE shop WITH ${replication(2)}; CREATE TABLE shop.t (id int PRIMARY KEY)`);

  const context = (phase: 'repair' | 'decommission'): NodeContext => host.context({ phase }, { node: leaves.node });
  const repair = context('repair');
  await nodeRepair(repair);
  t.like(repair.reporter.report.keyspaces, { shop: { status: 'SUCCESS', error: null } });

  await t.throwsAsync(nodeDecommission(context('decommission')), { message: /shop has 2 replicas in dc-test/ });
  t.is((await leaves.node.health()).operationMode, 'NORMAL');
  await stays.node.execute(`ALTER KEYSPACE shop WITH ${replication(1)}`);
  await nodeDecommission(context('decommission'));
  t.is((await leaves.node.health()).operationMode, 'DECOMMISSIONED');
  await nodeDecommission(context('decommission'));
  t.deepEqual(
    (await stays.node.upkeep.ring()).map(({ address }) => address),
    [FIRST],
  );

  await leaves.server.stop({ drain: false, graceMs: 10_000 });
  const jolokia = new Jolokia(stays.server.endpoint.jolokia);
  t.teardown(() => jolokia.close());
  const gossips = () => jolokia.read(STORAGE_SERVICE, 'UnreachableNodes') as Promise<string[]>;
  while (!(await gossips()).includes(SECOND)) await systemClock.sleep(100);
  t.deepEqual((await stays.node.health()).unreachableNodes, []);
});
