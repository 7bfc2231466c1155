import test from 'ava';
import type { ErrorCode } from '../../src/errors.ts';
import { locationOf, type StartRequest } from '../../src/jobs/start-request.ts';
import type { JobType } from '../../src/model/phase.ts';
import { id } from './helpers.ts';
import { refused, rig } from './rig.ts';

const badRequests: [string, JobType, StartRequest, ErrorCode][] = [
  ['a restore without a name', 'RESTORE', {}, 'NAME_REQUIRED'],
  ['an empty name', 'BACKUP', { name: '' }, 'NAME_INVALID'],
  ['a name that leaves its folder', 'RESTORE', { name: '../../evil' }, 'NAME_INVALID'],
  ['a node that is not in the cluster', 'BACKUP', { nodes: [id(0), id(7)] }, 'BAD_REQUEST'],
  ['an empty list of keyspaces', 'BACKUP', { keyspaces: [] }, 'BAD_REQUEST'],
  ['a table without its keyspace', 'BACKUP', { tables: ['t1'] }, 'BAD_REQUEST'],
  ['a concurrency of nothing', 'BACKUP', { strategy: 'parallel', concurrency: 0 }, 'BAD_REQUEST'],
  ['half a node', 'BACKUP', { strategy: 'parallel', concurrency: 1.5 }, 'BAD_REQUEST'],
  ['several nodes in serial', 'BACKUP', { strategy: 'serial', concurrency: 2 }, 'BAD_REQUEST'],
  ['a restore of some nodes', 'RESTORE', { name: 'b1', nodes: [id(0)] }, 'BAD_REQUEST'],
  ['a restore with a snapshot', 'RESTORE', { name: 'b1', snapshot: 'together' }, 'BAD_REQUEST'],
  ['a cleanup with a name', 'CLEANUP', { name: 'b1' }, 'BAD_REQUEST'],
  ['a repair with a location', 'REPAIR', { location: 'file:///backup' }, 'BAD_REQUEST'],
  ['a repair with a snapshot', 'REPAIR', { snapshot: 'together' }, 'BAD_REQUEST'],
  ['a restart of keyspaces', 'RESTART', { keyspaces: ['ks1'] }, 'BAD_REQUEST'],
  ['a restart of an unknown node', 'RESTART', { nodes: [id(7)] }, 'BAD_REQUEST'],
  ['a parallel restart of unsaid width', 'RESTART', { strategy: 'parallel' }, 'BAD_REQUEST'],
  ['a removal of no node', 'REMOVE', {}, 'BAD_REQUEST'],
  ['a removal of two nodes', 'REMOVE', { nodes: [id(0), id(1)] }, 'BAD_REQUEST'],
  ['a removal with a strategy', 'REMOVE', { nodes: [id(1)], strategy: 'serial' }, 'BAD_REQUEST'],
  ['a removal of the last seed', 'REMOVE', { nodes: [id(0)] }, 'BAD_REQUEST'],
];
for (const [what, type, request, code] of badRequests) {
  test(`${what} is refused before anything is looked at`, async (t) => {
    const made = rig(t);
    made.found = { state: type === 'BACKUP' ? 'ABSENT' : 'COMPLETE', message: null };
    await refused(t, made.jobs.start(type, request), code);
    t.deepEqual([made.jobs.running(), made.asked, made.wakes], [null, [], 0]);
  });
}

test('a location has one spelling, with its options as they are', (t) => {
  const spelled = {
    'file:///backup/': 'file:///backup',
    'file:///backup//?compression=zstd': 'file:///backup?compression=zstd',
    's3://b/p/?encryption=file:/keys/': 's3://b/p?encryption=file:/keys/',
    '/backup/': '/backup',
    '/what/?/': '/what/?',
    backup: 'backup',
  };
  for (const [given, location] of Object.entries(spelled)) t.is(locationOf(given), location);
});
