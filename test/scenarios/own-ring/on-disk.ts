import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalRing } from '../../../scripts/lib/local-ring.ts';
import { cassandraWords, executor } from '../ring.ts';

// What the agents of the embedded Mesos, and Cassandra on them, have on disk.

/** Directories of the node's volumes on the agents' disks. */
export function volumesOf(ring: LocalRing, number: number): string[] {
  const pattern = `mesos/agents/*/work/volumes/roles/cassandra/${executor(number)}.data-*`;
  return globSync(join(ring.options.data, pattern)).toSorted();
}

/** Of the largest table's live SSTables. */
export function documentBytes(ring: LocalRing, number: number): number {
  const files = volumesOf(ring, number).flatMap((volume) =>
    globSync(join(volume, '*/data/Archive/documents-*/*-Data.db')),
  );
  return files.reduce((sum, file) => sum + statSync(file).size, 0);
}

/** What is reserved on each agent, as it keeps it. */
export function reservations(ring: LocalRing): unknown[][] {
  const files = globSync(join(ring.options.data, 'mesos/agents/*/agent.json')).toSorted();
  return files.map((file) => (JSON.parse(readFileSync(file, 'utf8')) as { reserved: unknown[] }).reserved);
}

/** Cassandra's log of the node's present run. */
export function systemLog(ring: LocalRing, number: number): string {
  const [directory = ''] = cassandraWords(ring, number).flatMap((word) => word.split('-Dcassandra.logdir=').slice(1));
  return readFileSync(join(directory, 'system.log'), 'utf8');
}
