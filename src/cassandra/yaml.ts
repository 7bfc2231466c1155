import { stringify } from 'yaml';
import type { ServerRequest } from '../model/step.ts';
import type { NodePaths } from './paths.ts';

/** Names that 4.1 gave to settings which older releases know by another name (Cassandra's own NEWS.txt, 4.1). */
const NAMES_BEFORE_4_1 = {
  commitlog_sync_period: { name: 'commitlog_sync_period_in_ms', value: 10_000 },
  materialized_views_enabled: { name: 'enable_materialized_views', value: true },
} as const;

/**
 * The text of cassandra.yaml. Only what differs from Cassandra's defaults, or has none; `request.cassandraYaml` wins
 * over all of it. `version` is Cassandra's release, for example 5.0.5.
 */
export function cassandraYaml(request: ServerRequest, paths: NodePaths, version: string): string {
  const settings: Record<string, unknown> = {
    cluster_name: request.clusterName,
    num_tokens: request.numTokens,
    authenticator: 'AllowAllAuthenticator',
    authorizer: 'AllowAllAuthorizer',
    role_manager: 'CassandraRoleManager',
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    data_file_directories: paths.data,
    commitlog_directory: paths.commitlog,
    saved_caches_directory: paths.savedCaches,
    hints_directory: paths.hints,
    cdc_raw_directory: paths.cdcRaw,
    commitlog_sync: 'periodic',
    commitlog_sync_period: '10000ms',
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: request.seeds.join(',') }],
      },
    ],
    listen_address: request.address,
    rpc_address: request.address,
    native_transport_port: request.ports.native,
    storage_port: request.ports.storage,
    endpoint_snitch: 'GossipingPropertyFileSnitch',
    // The way back after a restore: TRUNCATE and DROP keep a snapshot.
    auto_snapshot: true,
    materialized_views_enabled: true,
  };
  return stringify({ ...(isBefore41(version) ? withOldNames(settings) : settings), ...request.cassandraYaml });
}

/** The text of cassandra-rackdc.properties, which GossipingPropertyFileSnitch reads. */
export function rackdcProperties(datacenter: string, rack: string): string {
  return `dc=${datacenter}\nrack=${rack}\n`;
}

function withOldNames(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => {
      const old = Object.hasOwn(NAMES_BEFORE_4_1, name)
        ? NAMES_BEFORE_4_1[name as keyof typeof NAMES_BEFORE_4_1]
        : undefined;
      return old ? [old.name, old.value] : [name, value];
    }),
  );
}

function isBefore41(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 4 || (major === 4 && minor === 0);
}
