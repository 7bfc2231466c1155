import test from 'ava';
import { decodeSchedulerEvent } from '../../src/mesos/messages.ts';
import type { Offer, OperationState, Resource } from '../../src/mesos/types.ts';
import type { ClusterNode } from '../../src/model/node.ts';
import {
  isToBeReleased,
  onOperationStatus,
  parseOperationId,
  releaseOf,
  seenInOffer,
  withoutVolumes,
} from '../../src/scheduler/reservation.ts';
import { messageBytes, recordedLine } from '../mesos/recorded.ts';
import { aNode, anOffer, runningNode } from './helpers.ts';

const ID = 'cassandra.dev.node.0.executor';
const VOLUME = { id: `${ID}.data-0`, containerPath: 'data-0' };

const made = { volumes: [VOLUME], made: true };
const asked = { volumes: [VOLUME], made: false };

function launching(changes: Partial<ClusterNode> = {}): ClusterNode {
  const place = { agentId: 'agent-a', hostname: 'a', ip: 'a', serverState: 'LAUNCHING' as const, serverTaskId: 'task' };
  return aNode(0, { ...place, launches: 2, datacenter: 'D', rack: 'R', reservation: asked, ...changes });
}

const status = (operation: string, state: OperationState, launches = 2) => ({
  operationId: { value: `${ID}.${launches}.${operation}` },
  state,
  message: 'no room',
});

const reserved = (resource: Resource, executorId: string): Resource => ({
  ...resource,
  reservations: [
    {
      type: 'DYNAMIC',
      role: 'cassandra',
      labels: { labels: [{ key: 'cassandra-mesos.executor', value: executorId }] },
    },
  ],
});

const volume = (id: string, source?: NonNullable<Resource['disk']>['source']): Resource => ({
  name: 'disk',
  type: 'SCALAR',
  scalar: { value: 1000 },
  disk: {
    persistence: { id },
    volume: { containerPath: 'data-0', mode: 'RW' },
    ...(source ? { source } : {}),
  },
});

const cpus: Resource = { name: 'cpus', type: 'SCALAR', scalar: { value: 1 } };

test('an operation id says whose it is, of which launch, and what was to be done', (t) => {
  t.deepEqual(parseOperationId(`${ID}.12.create`), { executorId: ID, launches: 12, operation: 'create' });
  for (const id of ['', 'reserve-1', `${ID}.create`, `${ID}.1.launch`]) t.is(parseOperationId(id), null);
});

test('volumes count as made once CREATE has finished', (t) => {
  t.like(onOperationStatus(launching(), status('create', 'OPERATION_FINISHED')), { reservation: { made: true } });
  const node = launching();
  t.is(onOperationStatus(node, status('reserve', 'OPERATION_FINISHED')), node);
});

test('a node whose share was refused gives up its place, and the reason is kept', (t) => {
  for (const state of ['OPERATION_FAILED', 'OPERATION_ERROR', 'OPERATION_DROPPED'] as const) {
    for (const operation of ['reserve', 'create']) {
      const after = onOperationStatus(launching(), status(operation, state));
      t.like(after, { reservation: null, hostname: null, agentId: null, rack: null, serverState: 'LAUNCHING' });
      t.regex(after.lastError ?? '', /a did not give it its share: no room/);
    }
  }
});

test('a node that has data, or may have, never gives up its place', (t) => {
  for (const node of [
    launching({ reservation: made }),
    launching({ bootstrapped: true }),
    launching({ serverState: 'STARTING' }),
    launching({ serverState: 'UNREACHABLE' }),
  ]) {
    t.is(onOperationStatus(node, status('create', 'OPERATION_DROPPED')), node);
  }
});

test('operations of an earlier launch, of another node and of nobody change nothing', (t) => {
  const node = launching();
  t.is(onOperationStatus(node, status('create', 'OPERATION_FAILED', 1)), node);
  t.is(onOperationStatus({ ...node, executorId: 'other' }, status('create', 'OPERATION_FAILED')).hostname, 'a');
  t.is(onOperationStatus(node, { state: 'OPERATION_FAILED' }), node);
  t.is(onOperationStatus(node, status('create', 'OPERATION_PENDING')), node);
});

test('an offer with all of a node’s volumes proves that they were made', (t) => {
  const node = launching({ reservation: { volumes: [VOLUME, { ...VOLUME, id: `${ID}.data-1` }], made: false } });
  const some = { resources: [volume(VOLUME.id)] };
  t.is(seenInOffer(node, some), node);
  t.like(seenInOffer(node, { resources: [...some.resources, volume(`${ID}.data-1`)] }), {
    reservation: { made: true },
  });
});

test('only a removed node whose data may go, and whose server has ended, is released', (t) => {
  const gone = runningNode(0, {
    targetRunState: 'TERMINATE',
    deleteData: true,
    serverState: 'NONE',
    reservation: made,
  });
  t.true(isToBeReleased(gone));
  for (const change of [
    { targetRunState: 'STOP' },
    { deleteData: false },
    { serverState: 'RUNNING' },
    { reservation: null },
  ]) {
    t.false(isToBeReleased({ ...gone, ...change } as ClusterNode));
  }
});

test('a node has given everything back once UNRESERVE has finished and no volume of it is left', (t) => {
  const gone = launching({ targetRunState: 'TERMINATE', deleteData: true, serverState: 'NONE', reservation: made });
  const finished = status('unreserve', 'OPERATION_FINISHED');
  t.is(onOperationStatus(gone, finished), gone);
  t.is(onOperationStatus(withoutVolumes(gone, [volume(VOLUME.id)]), finished).reservation, null);
  t.like(onOperationStatus(gone, status('unreserve', 'OPERATION_ERROR')), { reservation: { made: true } });
});

test('what is released is the node’s own, volumes first; nothing of another node, of nobody, or reserved by operators', (t) => {
  const mount = { type: 'MOUNT' as const, mount: { root: '/m' } };
  const node = runningNode(0);
  const own = reserved(volume(VOLUME.id, mount), ID);
  const onStatic: Resource = { ...volume(`${ID}.data-1`), reservations: [{ type: 'STATIC', role: 'cassandra' }] };
  const others = [
    cpus,
    reserved(cpus, 'cassandra.dev.node.1.executor'),
    volume('cassandra.dev.node.1.executor.data-0'),
  ];
  const { destroy, unreserve } = releaseOf(node, { resources: [...others, reserved(cpus, ID), own, onStatic] });
  t.deepEqual(destroy, [own, onStatic]);
  t.deepEqual(unreserve, [reserved(cpus, ID), reserved({ ...volume(''), disk: { source: mount } }, ID)]);
});

const short = ({ name, scalar, disk }: Resource) => [name, scalar?.value, disk?.persistence?.id];

test('what a real Mesos offered after RESERVE and CREATE is released as it was accepted then', (t) => {
  // Our label and our volume's id in place of those of the recording.
  const event = decodeSchedulerEvent(messageBytes(recordedLine('06-reservation-volume.jsonl', 25)));
  const text = JSON.stringify(event)
    .replaceAll('"key":"node","value":"node.0.executor"', `"key":"cassandra-mesos.executor","value":"${ID}"`)
    .replaceAll('node.0.data', VOLUME.id);
  const [offer] = (JSON.parse(text) as { offers: { offers: Offer[] } }).offers.offers;
  const { destroy, unreserve } = releaseOf(runningNode(0), offer ?? anOffer('a'));
  t.deepEqual(destroy.map(short), [['disk', 100, VOLUME.id]]);
  t.deepEqual(unreserve.map(short), [
    ['cpus', 0.4, undefined],
    ['mem', 128, undefined],
    ['disk', 100, undefined],
  ]);
});
