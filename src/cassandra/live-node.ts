import type { Clock } from '../clock.ts';
import { OperatorError, wrapError } from '../errors.ts';
import type { NodeHealth } from '../model/node.ts';
import { Cql } from './cql.ts';
import { Jolokia } from './jolokia.ts';
import type { CassandraNode } from './node.ts';
import type { NodeEndpoint } from './process.ts';
import { readSchema } from './read-schema.ts';
import type { Schema } from './schema.ts';
import { splitStatements } from './statements.ts';
import { readHealth, STORAGE_SERVICE } from './storage-service.ts';
import { liveUpkeep, type Upkeep } from './upkeep.ts';

const STORAGE_PROXY = 'org.apache.cassandra.db:type=StorageProxy';

const MINUTE_MS = 60_000;
const READ_TIMEOUT_MS = 30_000;
/** Acts that flush or move data take as long as their disk needs. */
const SNAPSHOT_TIMEOUT_MS = 10 * MINUTE_MS;
const LOAD_TIMEOUT_MS = 30 * MINUTE_MS;
const DRAIN_TIMEOUT_MS = 5 * MINUTE_MS;
/** Above Cassandra's own truncate_request_timeout (60 s), whose answer says more than ours. */
const TRUNCATE_TIMEOUT_MS = 2 * MINUTE_MS;
const DDL_TIMEOUT_MS = MINUTE_MS;
const AGREEMENT_TIMEOUT_MS = MINUTE_MS;
const AGREEMENT_POLL_MS = 200;

/** A CassandraNode that is a process on this host: management by Jolokia, statements by CQL. */
export class LiveNode implements CassandraNode {
  readonly upkeep: Upkeep;
  readonly #jolokia: Jolokia;
  readonly #cql: Cql;
  readonly #clock: Clock;

  constructor(endpoint: NodeEndpoint, clock: Clock) {
    this.#jolokia = new Jolokia(endpoint.jolokia);
    this.#cql = new Cql(endpoint.address, endpoint.nativePort);
    this.#clock = clock;
    this.upkeep = liveUpkeep(this.#jolokia, this.#cql);
  }

  async health(signal?: AbortSignal): Promise<NodeHealth> {
    return await readHealth(this.#jolokia, signal);
  }

  async takeSnapshot(tag: string, keyspace: string, signal?: AbortSignal): Promise<void> {
    const operation = 'takeSnapshot(java.lang.String,java.util.Map,[Ljava.lang.String;)';
    try {
      await this.#operate(operation, [tag, {}, [keyspace]], SNAPSHOT_TIMEOUT_MS, signal);
    } catch (error) {
      throw refusedAs('SNAPSHOT_FAILED', `snapshot ${tag} of keyspace ${keyspace}`, error);
    }
  }

  async clearSnapshot(tag: string, keyspaces: string[] = [], signal?: AbortSignal): Promise<void> {
    // Without keyspaces Cassandra clears the tag in all of them.
    const operation = 'clearSnapshot(java.lang.String,[Ljava.lang.String;)';
    await this.#operate(operation, [tag, keyspaces], SNAPSHOT_TIMEOUT_MS, signal);
  }

  async schema(also: string[] = [], signal?: AbortSignal): Promise<Schema> {
    return await readSchema(this.#cql, also, { signal, timeoutMs: READ_TIMEOUT_MS });
  }

  async truncate(keyspace: string, table: string, signal?: AbortSignal): Promise<void> {
    const name = `${quoteName(keyspace)}.${quoteName(table)}`;
    await this.#cql.execute(`TRUNCATE TABLE ${name}`, { signal, timeoutMs: TRUNCATE_TIMEOUT_MS });
  }

  async execute(statement: string, signal?: AbortSignal): Promise<void> {
    for (const single of splitStatements(statement)) {
      await this.#cql.execute(single, { signal, timeoutMs: DDL_TIMEOUT_MS });
      await this.#waitForAgreement(signal);
    }
  }

  async loadNewSSTables(keyspace: string, table: string, signal?: AbortSignal): Promise<void> {
    const operation = 'loadNewSSTables(java.lang.String,java.lang.String)';
    try {
      await this.#operate(operation, [keyspace, table], LOAD_TIMEOUT_MS, signal);
    } catch (error) {
      throw refusedAs('LOAD_FAILED', `load SSTables of ${keyspace}.${table}`, error);
    }
  }

  async liveSSTableCount(keyspace: string, table: string, signal?: AbortSignal): Promise<number> {
    const bean = `org.apache.cassandra.metrics:type=Table,keyspace=${keyspace},scope=${table},name=LiveSSTableCount`;
    return Number(await this.#jolokia.read(bean, 'Value', { signal, timeoutMs: READ_TIMEOUT_MS }));
  }

  async drain(signal?: AbortSignal): Promise<void> {
    await this.#operate('drain()', [], DRAIN_TIMEOUT_MS, signal);
  }

  async close(): Promise<void> {
    this.#jolokia.close();
    await this.#cql.close();
  }

  async #operate(operation: string, args: unknown[], timeoutMs: number, signal?: AbortSignal): Promise<unknown> {
    return await this.#jolokia.execute(STORAGE_SERVICE, operation, args, { signal, timeoutMs });
  }

  /** Cassandra asks all live nodes for their schema's version; those that are down are under UNREACHABLE. */
  async #waitForAgreement(signal?: AbortSignal): Promise<void> {
    const deadline = this.#clock.now() + AGREEMENT_TIMEOUT_MS;
    for (;;) {
      const answer = await this.#jolokia.read(STORAGE_PROXY, 'SchemaVersions', { signal, timeoutMs: READ_TIMEOUT_MS });
      const versions = Object.entries(answer as Record<string, string[]>).filter(([key]) => key !== 'UNREACHABLE');
      if (versions.length === 1) return;
      if (this.#clock.now() > deadline) {
        const seen = versions.map(([version, nodes]) => `${version} on ${nodes.join(', ')}`).join('; ');
        throw new OperatorError('TIMEOUT', `the live nodes have not come to one schema: ${seen}`);
      }
      await this.#clock.sleep(AGREEMENT_POLL_MS, signal);
    }
  }
}

/** Cassandra's refusal gets the act's own code; that it did not answer at all stays what it is. */
function refusedAs(code: 'SNAPSHOT_FAILED' | 'LOAD_FAILED', operation: string, error: unknown): unknown {
  if (!(error instanceof OperatorError)) return error;
  if (error.code !== 'CASSANDRA_ERROR') return wrapError(operation, error);
  return new OperatorError(code, `${operation}: ${error.message}`, { cause: error });
}

/** A name as CQL wants it whatever its letters: "Users". */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
