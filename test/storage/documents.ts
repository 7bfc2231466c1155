import type { BackupRecord, NodeManifest } from '../../src/model/backup.ts';

export const NODE = 'cassandra.dev.node.0.executor';

/** A manifest with everything in it that a manifest can have. */
export function exampleManifest(): NodeManifest {
  return {
    version: 1,
    cluster: 'dev',
    backupName: 'b-0',
    jobUuid: '7c0e63a8-0a5c-4f2f-9f5e-0f7d3c3b2a11',
    executorId: NODE,
    hostId: '2d9d2cf4-8f0b-4f1c-8a3c-5f2e1d4c3b2a',
    hostname: 'slave0',
    ip: '192.168.3.6',
    datacenter: 'dc1',
    rack: 'r1',
    tokens: ['-9223372036854775808', '0', '42'],
    cassandraVersion: '5.0.5',
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    schemaVersion: '54e17321-3f2e-37ca-9b08-d91ba7bdd369',
    started: 1438275504302,
    finished: 1438275520152,
    keyspaces: ['ks1', 'empty'],
    tables: [
      {
        keyspace: 'ks1',
        table: 't',
        id: '5a1c395e-b41f-11e5-9f22-ba0be0483c18',
        viewOf: null,
        columns: [{ name: 'ü', kind: 'partition_key', type: 'text', position: 0, clusteringOrder: 'none' }],
        droppedColumns: ['old'],
      },
    ],
    types: [{ keyspace: 'ks1', name: 'address', fields: [{ name: 'street', type: 'text' }] }],
    schema: [{ keyspace: 'ks1', type: 'keyspace', name: 'ks1', cql: 'CREATE KEYSPACE ks1 …' }],
    files: [
      { path: 'ks1/t/nb-1-big-Data.db', size: 7, sha256: 'a'.repeat(64), dataDirectory: 0 },
      { path: 'ks1/t/nb-1-big-TOC.txt', size: 0, sha256: 'b'.repeat(64), source: 'dev/n/b/x', dataDirectory: 1 },
    ],
  };
}

export function exampleRecord(): BackupRecord {
  return {
    version: 1,
    cluster: 'dev',
    name: 'b-0',
    jobUuid: '7c0e63a8-0a5c-4f2f-9f5e-0f7d3c3b2a11',
    location: 'file:///backup',
    started: 1438275504302,
    finished: 1438275520152,
    result: 'SUCCESS',
    nodes: [
      {
        executorId: NODE,
        hostId: '2d9d2cf4-8f0b-4f1c-8a3c-5f2e1d4c3b2a',
        hostname: 'slave0',
        ip: '192.168.3.6',
        tokens: ['0'],
        schemaVersion: '54e17321-3f2e-37ca-9b08-d91ba7bdd369',
        manifestSha256: 'c'.repeat(64),
        files: 2,
        bytes: 7,
      },
    ],
    missing: [],
  };
}
