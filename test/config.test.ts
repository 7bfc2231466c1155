import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import test from 'ava';
import {
  addOptions,
  apiToken,
  backupLocation,
  CLUSTER_DEFAULTS,
  clusterOptions,
  schedulerOptions,
  schedulerSettings,
  warnings,
  type SchedulerOptions,
} from '../src/config.ts';

/** What commander makes of the arguments. */
function parsed(...args: string[]): SchedulerOptions {
  const command = addOptions(new Command(), [...schedulerOptions(), ...clusterOptions(CLUSTER_DEFAULTS)]);
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  const options = command.parse(['--master', 'localhost:5050', ...args], { from: 'user' }).opts<SchedulerOptions>();
  return { ...options, backupDirectory: options.backupDirectory ?? 'backup' };
}

test('a token comes from the environment or from a file, and never from the command line', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'token-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'token');
  await writeFile(file, 'from the file\n');
  t.is(apiToken({}), null);
  t.is(apiToken({ CASSANDRA_MESOS_TOKEN: 'from the environment' }), 'from the environment');
  t.is(apiToken({ CASSANDRA_MESOS_TOKEN_FILE: file }), 'from the file');
  t.throws(() => apiToken({ CASSANDRA_MESOS_TOKEN_FILE: join(folder, 'none') }), { code: 'BAD_REQUEST' });
  t.throws(() => parsed('--token', 'geheim'), { message: /unknown option/ });
});

test('a directory becomes a location, and one of the sandbox stays relative', (t) => {
  t.is(backupLocation('/mnt/backup/'), 'file:///mnt/backup');
  t.is(backupLocation('file:///mnt/backup'), 'file:///mnt/backup');
  t.is(backupLocation('backup'), 'backup');
});

test('the operator is warned of backups and data in a sandbox, and of nothing else', (t) => {
  t.is(warnings(parsed()).length, 2);
  t.deepEqual(warnings(parsed('--backup-directory', '/mnt', '--data-directory', '/data')), []);
});

test('there are two seeds unless the operator says otherwise or there are fewer nodes', (t) => {
  t.is(schedulerSettings(parsed(), 'exec').seedCount, 2);
  t.is(schedulerSettings(parsed('--node-count', '1'), 'exec').seedCount, 1);
  t.throws(() => schedulerSettings(parsed('--seed-count', '4'), 'exec'), { message: /at most as many seeds as nodes/ });
});

test('an archive is fetched into the sandbox, a directory is used where it is', (t) => {
  const fetched = schedulerSettings(
    parsed('--cassandra', 'http://example.org/apache-cassandra-5.0.5-bin.tar.gz'),
    'exec',
  );
  t.like(fetched, { cassandraHome: '.', cassandraUri: 'http://example.org/apache-cassandra-5.0.5-bin.tar.gz' });
  t.like(schedulerSettings(parsed('--cassandra', '/opt/cassandra'), 'exec'), {
    cassandraHome: '/opt/cassandra',
    cassandraUri: null,
  });
});

test('several data directories are separated by commas', (t) => {
  t.deepEqual(schedulerSettings(parsed('--data-directory', '/d1,/d2'), 'exec').dataDirectories, ['/d1', '/d2']);
});
