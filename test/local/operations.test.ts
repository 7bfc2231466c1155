import test from 'ava';
import { convert, operationError, type OperationContext, type ResourceOperation } from '../../src/local/operations.ts';
import type { Resource } from '../../src/mesos/types.ts';

const ROLE = 'cassandra';
const DYNAMIC = [{ type: 'DYNAMIC' as const, role: ROLE }];

const plain = (name: string, value: number): Resource => ({ name, type: 'SCALAR', scalar: { value } });
const reserved = (name: string, value: number): Resource => ({ ...plain(name, value), reservations: DYNAMIC });
const volume = (id: string, value = 100): Resource => ({
  ...reserved('disk', value),
  disk: { persistence: { id }, volume: { containerPath: 'data', mode: 'RW' } },
});

const reserve = (...resources: Resource[]): ResourceOperation => ({ type: 'RESERVE', reserve: { resources } });
const unreserve = (...resources: Resource[]): ResourceOperation => ({ type: 'UNRESERVE', unreserve: { resources } });
const create = (...volumes: Resource[]): ResourceOperation => ({ type: 'CREATE', create: { volumes } });
const destroy = (...volumes: Resource[]): ResourceOperation => ({ type: 'DESTROY', destroy: { volumes } });

const context = (changes: Partial<OperationContext> = {}): OperationContext => ({
  role: ROLE,
  roles: [ROLE],
  principal: undefined,
  total: [],
  used: [],
  ...changes,
});

test('what is reserved is taken from what is not, and given back', (t) => {
  const free = [plain('cpus', 4), plain('mem', 8000)];
  const after = [plain('cpus', 3.6), plain('mem', 8000), reserved('cpus', 0.4)];
  t.deepEqual(convert(free, reserve(reserved('cpus', 0.4))), after);
  t.deepEqual(convert(after, unreserve(reserved('cpus', 0.4))), free);
});

const ports = (...range: { begin: number; end: number }[]): Resource => ({
  name: 'ports',
  type: 'RANGES',
  ranges: { range },
});

test('ports are reserved out of their range', (t) => {
  const mine = { ...ports({ begin: 7000, end: 7000 }), reservations: DYNAMIC };
  t.deepEqual(convert([ports({ begin: 6999, end: 7001 })], reserve(mine)), [
    ports({ begin: 6999, end: 6999 }, { begin: 7001, end: 7001 }),
    mine,
  ]);
});

test('a volume is made of a reserved disk, and is one again', (t) => {
  const after = [reserved('disk', 20), volume('data-0')];
  t.deepEqual(convert([reserved('disk', 120)], create(volume('data-0'))), after);
  t.deepEqual(convert(after, destroy(volume('data-0'))), [reserved('disk', 120)]);
});

test('a volume on a disk of its own keeps that disk', (t) => {
  const source = { type: 'MOUNT' as const, mount: { root: '/m' } };
  const disk: Resource = { ...reserved('disk', 500), disk: { source } };
  const whole: Resource = { ...volume('data-0', 500), disk: { ...volume('data-0').disk, source } };
  t.deepEqual(convert([disk], create(whole)), [whole]);
  t.deepEqual(convert([whole], destroy(whole)), [disk]);
  const half: Resource = { ...whole, scalar: { value: 250 } };
  t.is(
    convert([disk], create(half)),
    'disk(reservations: [(DYNAMIC,cassandra)])[MOUNT:/m]:500 does not contain disk(reservations: [(DYNAMIC,cassandra)])[MOUNT:/m]:250',
  );
});

test('what is not there is named, with what is', (t) => {
  t.is(convert([plain('cpus', 1)], reserve(reserved('cpus', 2))), 'cpus:1 does not contain cpus:2');
  t.is(
    convert([volume('data-0')], unreserve(reserved('disk', 100))),
    'disk(reservations: [(DYNAMIC,cassandra)])[data-0:data]:100 does not contain disk(reservations: [(DYNAMIC,cassandra)]):100',
  );
});

test('a principal reserves and creates in its own name only', (t) => {
  const alice = context({ principal: 'alice' });
  const named = { ...reserved('cpus', 1), reservations: [{ ...DYNAMIC[0], principal: 'alice' }] } as Resource;
  t.is(operationError(reserve(named), alice), undefined);
  t.regex(operationError(reserve(reserved('cpus', 1)), alice) ?? '', /with no principal set$/);
  t.regex(
    operationError(reserve(named), context({ principal: 'bob' })) ?? '',
    /by authenticated principal 'bob', .* with principal 'alice'$/,
  );
  t.regex(operationError(create(volume('v')), alice) ?? '', /no principal set in 'disk.persistence'$/);
  const owned: Resource = {
    ...volume('v'),
    disk: { ...volume('v').disk, persistence: { id: 'v', principal: 'alice' } },
  };
  t.is(operationError(create(owned), alice), undefined);
});

test('nobody reserves for another role, or for all', (t) => {
  const other = { ...reserved('cpus', 1), reservations: [{ type: 'DYNAMIC' as const, role: 'kafka' }] };
  t.regex(
    operationError(reserve(other), context()) ?? '',
    /role 'kafka', but the resource was allocated to role 'cassandra'$/,
  );
  const all = { ...reserved('cpus', 1), reservations: [{ type: 'DYNAMIC' as const, role: '*' }] };
  t.is(operationError(reserve(all), context()), 'Invalid resources: Invalid reservation: role "*" cannot be reserved');
  t.is(operationError(reserve(plain('cpus', 1)), context()), 'Resource cpus:1 is not dynamically reserved');
});

test('a volume has an id of its own that makes a folder, and is not destroyed under its user', (t) => {
  t.is(operationError(create(volume('a')), context({ total: [volume('a')] })), "Persistence ID 'a' is not unique");
  t.is(operationError(create(volume('a'), volume('a')), context()), "Persistence ID 'a' is not unique");
  t.regex(operationError(create(volume('../a')), context()) ?? '', /'..\/a' contains invalid characters$/);
  t.is(
    operationError(destroy(volume('a')), context({ total: [volume('a')], used: [volume('a')] })),
    'Persistent volumes in use',
  );
  t.is(operationError(destroy(volume('a')), context()), 'Persistent volumes not found');
  t.is(operationError(destroy(reserved('disk', 1)), context())?.startsWith('Not a persistent volume: '), true);
});
