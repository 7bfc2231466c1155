import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { backupLocation, schedulerSettings, warnings, type ExecutorLaunch } from '../../src/config/settings.ts';
import { parsed } from './parsed.ts';

const LAUNCH: ExecutorLaunch = {
  executorCommand: 'exec executor',
  executorUris: [],
  executorEnvironment: {},
  cassandraHome: '/opt/cassandra',
  jolokiaJar: '/opt/jolokia.jar',
  javaHome: null,
};
const settingsOf = (...args: string[]) => schedulerSettings(parsed(...args), LAUNCH);

test('a directory becomes a location, and one of the sandbox stays relative', (t) => {
  t.is(backupLocation('/mnt/backup/'), 'file:///mnt/backup');
  t.is(backupLocation('file:///mnt/backup'), 'file:///mnt/backup');
  t.is(backupLocation(), 'backup');
  t.is(backupLocation('s3://bucket/prod?credentials=file:/etc/s3'), 's3://bucket/prod?credentials=file:/etc/s3');
  for (const wrong of ['s3://user:hidden@bucket/prod', 's3://bucket/prod?secretKey=hidden']) {
    const error = t.throws(() => backupLocation(wrong), { code: 'BAD_REQUEST' });
    t.false(error?.message.includes('hidden'));
  }
});

test('the operator is warned of backups and data in a sandbox, and of nothing else', (t) => {
  t.is(warnings(parsed()).length, 2);
  t.deepEqual(warnings(parsed('--backup-directory', '/mnt', '--data-directory', '/data')), []);
  const [insecure = ''] = warnings(parsed('--backup-directory', 's3://b?insecure=true', '--role', 'cassandra'));
  t.regex(insecure, /caFile/);
  t.deepEqual(warnings(parsed('--backup-directory', '/mnt', '--role', 'cassandra')), []);
});

test('there are two seeds unless the operator says otherwise or there are fewer nodes', (t) => {
  t.is(settingsOf().seedCount, 2);
  t.is(settingsOf('--node-count', '1').seedCount, 1);
  t.throws(() => settingsOf('--seed-count', '4'), { code: 'BAD_REQUEST', message: /at most as many seeds as nodes/ });
});

test('several data directories are separated by commas', (t) => {
  t.deepEqual(settingsOf('--data-directory', '/d1,/d2').dataDirectories, ['/d1', '/d2']);
});

test('with a role data lie on persistent volumes, so a data directory beside it is refused', (t) => {
  t.is(settingsOf().volumes, null);
  t.deepEqual(settingsOf('--role', 'cassandra').volumes, { type: 'ROOT', count: 1 });
  t.deepEqual(settingsOf('--role', 'dept/cassandra', '--volume-type', 'mount', '--volumes', '2').volumes, {
    type: 'MOUNT',
    count: 2,
  });
  t.throws(() => settingsOf('--role', 'cassandra', '--data-directory', '/data'), {
    message: /--role or --data-directory, got both/,
  });
  for (const role of ['-x', 'a b', 'a/..', 'a/*', '']) {
    t.throws(() => parsed('--role', role), { message: /Expected a Mesos role/ }, role);
  }
});

test('the heap is half of the memory unless the operator says otherwise, and never more than the memory', (t) => {
  t.is(settingsOf('--mem', '4096').heapMb, 2048);
  t.is(settingsOf('--mem', '65536').heapMb, 16_384);
  t.is(settingsOf('--heap', '700').heapMb, 700);
  t.throws(() => settingsOf('--mem', '1024', '--heap', '2048'), { message: /heap within --mem 1024/ });
});

test('constraints are read one by one, and a wrong one is refused', (t) => {
  t.deepEqual(settingsOf('--constraint', 'rack:GROUP_BY:3, hostname:UNIQUE').constraints, [
    { field: 'rack', operator: 'GROUP_BY', value: '3' },
    { field: 'hostname', operator: 'UNIQUE', value: null },
  ]);
  t.throws(() => settingsOf('--constraint', 'rack:SOMEHOW'), { code: 'BAD_REQUEST' });
});

async function yamlFile(t: ExecutionContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'yaml-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'own.yaml'), text);
  return join(folder, 'own.yaml');
}

test('entries of a YAML file override those of cassandra.yaml, but not what the scheduler sets', async (t) => {
  const own = await yamlFile(t, 'concurrent_reads: 64\ncommitlog_sync: batch\n');
  t.deepEqual(settingsOf('--cassandra-yaml', own).cassandraYaml, { concurrent_reads: 64, commitlog_sync: 'batch' });
  const ours = await yamlFile(t, 'listen_address: 10.0.0.1\n');
  t.throws(() => settingsOf('--cassandra-yaml', ours), { message: /no listen_address .* the scheduler sets it/ });
  const list = await yamlFile(t, '- 1\n');
  t.throws(() => settingsOf('--cassandra-yaml', list), { message: /got another YAML value/ });
  t.throws(() => settingsOf('--cassandra-yaml', '/nowhere.yaml'), { message: /read --cassandra-yaml \/nowhere.yaml/ });
});
