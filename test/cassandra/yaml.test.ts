import test from 'ava';
import { parse } from 'yaml';
import { nodePaths } from '../../src/cassandra/paths.ts';
import { cassandraYaml, rackdcProperties } from '../../src/cassandra/yaml.ts';
import { request } from './request.ts';

const paths = nodePaths(['/disk-0', '/disk-1'], 'cassandra.c.node.0.executor', '/sandbox');

test('cassandra.yaml says where the node is, where its data is and whom it knows', (t) => {
  const settings = parse(cassandraYaml(request({ seeds: ['10.0.0.1:7000', '10.0.0.2:7000'] }), paths, '5.0.5'));
  t.like(settings, {
    cluster_name: 'c',
    num_tokens: 16,
    listen_address: '10.0.0.1',
    rpc_address: '10.0.0.1',
    storage_port: 7000,
    native_transport_port: 9042,
    endpoint_snitch: 'GossipingPropertyFileSnitch',
    commitlog_directory: '/disk-0/cassandra.c.node.0.executor/commitlog',
    commitlog_sync_period: '10000ms',
    auto_snapshot: true,
    materialized_views_enabled: true,
  });
  t.deepEqual(settings.data_file_directories, [
    '/disk-0/cassandra.c.node.0.executor/data',
    '/disk-1/cassandra.c.node.0.executor/data',
  ]);
  t.deepEqual(settings.seed_provider[0].parameters, [{ seeds: '10.0.0.1:7000,10.0.0.2:7000' }]);
});

test('what the operator sets wins over ours and adds to it', (t) => {
  const cassandraYamlEntries = { auto_snapshot: false, concurrent_reads: 8, hinted_handoff_enabled: 'no: "quoted"' };
  const settings = parse(cassandraYaml(request({ cassandraYaml: cassandraYamlEntries }), paths, '5.0.5'));
  t.like(settings, cassandraYamlEntries);
  t.is(settings.cluster_name, 'c');
});

test('releases before 4.1 get the names that they know', (t) => {
  for (const version of ['3.11.19', '4.0.17']) {
    const settings = parse(cassandraYaml(request(), paths, version));
    t.like(settings, { commitlog_sync_period_in_ms: 10_000, enable_materialized_views: true }, version);
    t.false('commitlog_sync_period' in settings || 'materialized_views_enabled' in settings, version);
  }
  for (const version of ['4.1.0', '5.0.5']) {
    t.false('enable_materialized_views' in parse(cassandraYaml(request(), paths, version)), version);
  }
});

test("the snitch's file names data centre and rack", (t) => {
  t.is(rackdcProperties('dc1', 'r2'), 'dc=dc1\nrack=r2\n');
});
