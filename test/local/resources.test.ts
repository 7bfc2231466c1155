import test from 'ava';
import { describe } from '../../src/local/resource-text.ts';
import { add, contains, inOfferOrder, scalar, subtract, withReserved, withRole } from '../../src/local/resources.ts';
import type { Resource } from '../../src/mesos/types.ts';

const cpus = (value: number): Resource => ({ name: 'cpus', type: 'SCALAR', scalar: { value } });
const ports = (...range: [number, number][]): Resource => ({
  name: 'ports',
  type: 'RANGES',
  ranges: { range: range.map(([begin, end]) => ({ begin, end })) },
});
const devices = (...item: string[]): Resource => ({ name: 'devices', type: 'SET', set: { item } });

test('scalars are exact to three decimals', (t) => {
  t.deepEqual(add([cpus(0.1)], [cpus(0.2)]), [cpus(0.3)]);
  t.deepEqual(subtract([cpus(4)], [cpus(0.1), cpus(0.1)]), [cpus(3.8)]);
  t.true(contains([cpus(0.3)], [cpus(0.1), cpus(0.2)]));
  t.false(contains([cpus(0.3)], [cpus(0.301)]));
});

test('what is used up is no longer there', (t) => {
  t.deepEqual(subtract([cpus(1), ports([1, 2])], [cpus(1), ports([1, 2])]), []);
});

test('ports are cut out of their range and merged back into it', (t) => {
  const left = subtract([ports([31_000, 32_000])], [ports([31_005, 31_006], [32_000, 32_000])]);
  t.deepEqual(left, [ports([31_000, 31_004], [31_007, 31_999])]);
  t.deepEqual(add(left, [ports([32_000, 32_000], [31_005, 31_006])]), [ports([31_000, 32_000])]);
});

test('a port is contained when its range holds it, and not when it is cut out', (t) => {
  const have = [ports([31_000, 31_004], [31_007, 32_000])];
  t.true(contains(have, [ports([31_004, 31_004], [31_007, 31_009])]));
  t.false(contains(have, [ports([31_004, 31_005])]));
  t.false(contains([cpus(1)], [ports([31_004, 31_004])]));
});

test('sets are united and cut', (t) => {
  t.deepEqual(add([devices('a')], [devices('a', 'b')]), [devices('a', 'b')]);
  t.deepEqual(subtract([devices('a', 'b')], [devices('a')]), [devices('b')]);
});

test('reserved resources are another kind than unreserved ones', (t) => {
  const reserved: Resource = { ...cpus(1), reservations: [{ type: 'DYNAMIC', role: 'cassandra' }] };
  t.false(contains([cpus(4)], [reserved]));
  t.is(scalar(add([cpus(4)], [reserved]), 'cpus'), 5);
  t.true(contains([{ ...cpus(4), role: '*', reservations: [] }], [cpus(4)]));
});

test('whose resources are does not matter to their sum', (t) => {
  t.deepEqual(subtract([cpus(4)], withRole([cpus(1)], 'cassandra')), [cpus(3)]);
});

test('resources are written as Mesos does, ports and what is reserved first', (t) => {
  const labels = { labels: [{ key: 'node', value: 'n0' }, { key: 'bare' }] };
  const volume: Resource = {
    name: 'disk',
    type: 'SCALAR',
    scalar: { value: 100 },
    reservations: [{ type: 'DYNAMIC', role: 'cassandra', principal: 'alice', labels }],
    disk: {
      source: { type: 'PATH', path: { root: '/disk1' } },
      persistence: { id: 'n0.data' },
      volume: { containerPath: 'data', mode: 'RW' },
    },
  };
  const offered = withRole(inOfferOrder([cpus(3.8), ports([31_000, 31_004], [31_007, 32_000]), volume]), 'cassandra');
  t.is(
    describe(offered),
    'ports(allocated: cassandra):[31000-31004, 31007-32000]; ' +
      'disk(allocated: cassandra)(reservations: [(DYNAMIC,cassandra,alice,{node: n0, bare})])' +
      '[PATH:/disk1,n0.data:data]:100; cpus(allocated: cassandra):3.8',
  );
  t.is(describe([]), '{}');
});

test('the order in which a message names its fields does not make another kind of it', (t) => {
  const one: Resource = { ...cpus(1), reservations: [{ type: 'DYNAMIC', role: 'r', principal: 'p' }] };
  const same: Resource = { ...cpus(1), reservations: [{ principal: 'p', role: 'r', type: 'DYNAMIC' }] };
  t.is(add([one], [same]).length, 1);
});

const mount = (value: number): Resource => ({
  name: 'disk',
  type: 'SCALAR',
  scalar: { value },
  disk: { source: { type: 'MOUNT', mount: { root: '/m' } } },
});

test('a mounted disk and a volume are there as a whole or not', (t) => {
  t.true(contains([mount(100)], [mount(100)]));
  t.false(contains([mount(100)], [mount(99)]));
});

test("an agent's resources are those that it is configured with, as far as they are not reserved", (t) => {
  const reserved: Resource = { ...cpus(1), reservations: [{ type: 'DYNAMIC', role: 'cassandra' }] };
  t.deepEqual(withReserved([cpus(4)], [reserved]), [cpus(3), reserved]);
});
