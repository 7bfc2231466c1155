import test from 'ava';
import { configDifference, launchSettings, numTokensOf } from '../../src/scheduler/launch-settings.ts';
import { aNode, runningNode, settings } from './helpers.ts';

const started = runningNode(0, { launchedWith: launchSettings(settings) });

test('a node that was started with the present settings differs in nothing', (t) => {
  t.deepEqual(configDifference(started, settings), {});
  t.deepEqual(configDifference(aNode(1), settings), {});
});

test('a changed setting shows with its old and its new value', (t) => {
  const changed = { ...settings, heapMb: 1024, cassandraYaml: { concurrent_reads: 64 } };
  t.deepEqual(configDifference(started, changed), {
    heapMb: { from: 512, to: 1024 },
    cassandraYaml: { from: {}, to: { concurrent_reads: 64 } },
  });
});

test('secrets are in no record of what a node was started with', (t) => {
  const record = launchSettings({
    ...settings,
    jvmOptions: ['-Xss1m', '-Djavax.net.ssl.keyStorePassword=hush'],
    cassandraYaml: { server_encryption_options: { keystore_password: 'hush', optional: true } },
  });
  t.false(JSON.stringify(record).includes('hush'));
  t.like(record, {
    jvmOptions: ['-Xss1m', '-Djavax.net.ssl.keyStorePassword=(hidden)'],
    cassandraYaml: { server_encryption_options: { optional: true } },
  });
});

test('a node with data keeps its number of tokens, and no restart would change it', (t) => {
  const more = { ...settings, numTokens: 256 };
  t.is(numTokensOf(started, more), 16);
  t.is(numTokensOf(aNode(1), more), 256);
  t.deepEqual(configDifference(started, more), {});
});
