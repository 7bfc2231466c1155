import type { NodeHealth } from '../model/node.ts';
import type { Schema } from './schema.ts';
import type { Upkeep } from './upkeep.ts';

/**
 * One running Cassandra in domain words. Everything that Jolokia or CQL answers is turned into types and
 * OperatorErrors behind it. Every call takes a signal and has a deadline of its own (TIMEOUT);
 * CASSANDRA_UNAVAILABLE when the process does not answer, CASSANDRA_ERROR when it says no.
 */
export interface CassandraNode {
  readonly upkeep: Upkeep;

  health(signal?: AbortSignal): Promise<NodeHealth>;

  /**
   * Flushes and hard-links the keyspace's live SSTables under `tag`. Throws SNAPSHOT_FAILED, also when
   * Jolokia wrapped Cassandra's refusal in HTTP 200. A keyspace without tables is fine.
   */
  takeSnapshot(tag: string, keyspace: string, signal?: AbortSignal): Promise<void>;

  /** Removes the snapshot `tag` of all keyspaces, or of the ones given. Nothing to remove is fine. */
  clearSnapshot(tag: string, keyspaces?: string[], signal?: AbortSignal): Promise<void>;

  /** The user's schema (no `system*` keyspaces but the ones in `also`), read by CQL. */
  schema(also?: string[], signal?: AbortSignal): Promise<Schema>;

  /** TRUNCATE of one table in the whole cluster, by CQL. Fails when a replica is down. */
  truncate(keyspace: string, table: string, signal?: AbortSignal): Promise<void>;

  /**
   * Runs the DDL of one object: one statement, or several with semicolons (a table with its ALTERs). After each it waits
   * until all live nodes have its schema.
   */
  execute(statement: string, signal?: AbortSignal): Promise<void>;

  /** Takes in SSTables that were put into the table's (or view's) directory. */
  loadNewSSTables(keyspace: string, table: string, signal?: AbortSignal): Promise<void>;

  /** How many SSTables of the table are live. */
  liveSSTableCount(keyspace: string, table: string, signal?: AbortSignal): Promise<number>;

  /** Flushes everything and stops taking writes; before a stop. */
  drain(signal?: AbortSignal): Promise<void>;

  /** Lets go of connections. */
  close(): Promise<void>;
}
