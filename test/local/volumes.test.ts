import { mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createVolume, destroyVolume, linkVolumes, unlinkVolumes, volumePath } from '../../src/local/volumes.ts';
import type { DiskInfo, Resource } from '../../src/mesos/types.ts';
import { temporaryDirectory } from '../mesos/helpers/mesos.ts';

function volume(id: string, source?: DiskInfo['source'], containerPath = 'data'): Resource {
  return {
    name: 'disk',
    type: 'SCALAR',
    scalar: { value: 100 },
    reservations: [{ type: 'DYNAMIC', role: 'team/cassandra' }],
    disk: { persistence: { id }, volume: { containerPath, mode: 'RW' }, ...(source ? { source } : {}) },
  };
}

test('a volume lies in the work directory, in a folder of its PATH disk, or is the MOUNT disk', (t) => {
  const path = { type: 'PATH' as const, path: { root: '/disk1' } };
  const mount = { type: 'MOUNT' as const, mount: { root: '/disk2' } };
  t.is(volumePath('/work', volume('v0')), '/work/volumes/roles/team cassandra/v0');
  t.is(volumePath('/work', volume('v0', path)), '/disk1/volumes/roles/team cassandra/v0');
  t.is(volumePath('/work', volume('v0', mount)), '/disk2');
});

test('a volume appears in a sandbox, and outlives that', async (t) => {
  const work = await temporaryDirectory(t);
  const sandbox = join(work, 'sandbox');
  await mkdir(sandbox);
  await createVolume(work, volume('v0'));
  linkVolumes(work, sandbox, [volume('v0'), volume('v1', undefined, 'deep/path')]);
  // An agent that comes back links what is linked already.
  linkVolumes(work, sandbox, [volume('v0')]);
  t.is(await readlink(join(sandbox, 'data')), volumePath(work, volume('v0')));
  t.deepEqual(await readdir(sandbox), ['data']);
  await writeFile(join(sandbox, 'data', 'file'), 'kept');
  unlinkVolumes(sandbox, [volume('v0')]);
  t.deepEqual(await readdir(sandbox), []);
  t.is(await readFile(join(volumePath(work, volume('v0')), 'file'), 'utf8'), 'kept');
});

test('destroying a volume deletes what is on it, and no mounted disk itself', async (t) => {
  const work = await temporaryDirectory(t);
  const mount = volume('v0', { type: 'MOUNT', mount: { root: 'mounted' } });
  for (const each of [volume('v1'), mount]) {
    await createVolume(work, each);
    await mkdir(join(volumePath(work, each), 'folder'));
    await writeFile(join(volumePath(work, each), 'folder', 'file'), 'gone');
    await destroyVolume(work, each);
  }
  t.deepEqual(await readdir(join(work, 'mounted')), []);
  t.deepEqual(await readdir(join(work, 'volumes', 'roles', 'team cassandra')), []);
  // Told twice, after an agent was killed in between.
  await t.notThrowsAsync(destroyVolume(work, volume('v1')));
});
