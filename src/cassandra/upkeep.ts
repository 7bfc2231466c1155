import { OperatorError } from '../errors.ts';
import type { Cql } from './cql.ts';
import { valueOf, type Jolokia, type JolokiaRequest } from './jolokia.ts';
import { STORAGE_SERVICE } from './storage-service.ts';

/** A member of the ring as a node knows it, up or down. */
export interface RingMember {
  hostId: string;
  address: string;
  datacenter: string;
}

/** How often a keyspace's data are there. */
export interface Replication {
  keyspace: string;
  /** Replicas per datacenter; under `*` where they are counted over the whole ring (SimpleStrategy). Empty: each node has its own. */
  factors: Record<string, number>;
}

export interface RepairStatus {
  state: 'RUNNING' | 'COMPLETED' | 'FAILED';
  /** Cassandra's words at the end. */
  messages: string[];
}

/**
 * What nodetool does to keep a ring in order; every call as with CassandraNode. Cassandra goes on with what was begun here
 * also when nobody waits for the answer any more.
 */
export interface Upkeep {
  /** Keyspaces, also Cassandra's own. */
  replication(signal?: AbortSignal): Promise<Replication[]>;

  /** Drops what the node has of ranges that are not its own any more. */
  cleanUp(keyspace: string, signal?: AbortSignal): Promise<void>;

  /** Stops cleanups under way. */
  stopCleanUps(): Promise<void>;

  /** Begins a full repair of the node's primary ranges. Its number; null: one replica, nothing to compare. */
  startRepair(keyspace: string, signal?: AbortSignal): Promise<number | null>;

  /** Null: this process has begun no such repair. */
  repairStatus(repair: number, signal?: AbortSignal): Promise<RepairStatus | null>;

  /** Ends all repairs of this node. */
  cancelRepairs(): Promise<void>;

  /** Hands the node's data to the others and leaves the ring; returns when it is out. However few replicas are left. */
  decommission(signal?: AbortSignal): Promise<void>;

  /** Takes a dead node out of the ring; returns when the others have taken over its data. */
  removeNode(hostId: string, signal?: AbortSignal): Promise<void>;

  /** True while this node takes a dead one out of the ring. */
  isRemoving(signal?: AbortSignal): Promise<boolean>;

  ring(signal?: AbortSignal): Promise<RingMember[]>;
}

const COMPACTION_MANAGER = 'org.apache.cassandra.db:type=CompactionManager';
const SNITCH = 'org.apache.cassandra.db:type=EndpointSnitchInfo';

const SHORT_MS = 30_000;
/** What moves or rewrites data takes as long as there are data. */
const LONG_MS = 24 * 60 * 60_000;

/** nodetool's `repair --full --partitioner-range`: done on every node in turn it covers every range once. */
const REPAIR_OPTIONS = { primaryRange: 'true', incremental: 'false', parallelism: 'parallel' };

/** `NOTHING` of Cassandra's ActiveRepairService: 0 instead of a repair's number. */
const NOTHING_TO_REPAIR = 0;

/** CompactionManager.AllSSTableOpStatus, as nodetool reads it. */
const CLEANUP_STATUS = ['SUCCESSFUL', 'ABORTED', 'UNABLE_TO_CANCEL'];

const REPAIR_STATES = { IN_PROGRESS: 'RUNNING', COMPLETED: 'COMPLETED', FAILED: 'FAILED' } as const;

/** Upkeep of a process on this host. */
export function liveUpkeep(jolokia: Jolokia, cql: Cql): Upkeep {
  const operate = (operation: string, args: unknown[], timeoutMs: number, signal?: AbortSignal) =>
    jolokia.execute(STORAGE_SERVICE, operation, args, { signal, timeoutMs });
  return {
    async replication(signal) {
      const query = 'SELECT keyspace_name, replication FROM system_schema.keyspaces';
      const rows = await cql.rows(query, { signal, timeoutMs: SHORT_MS });
      return rows.map((row) => ({
        keyspace: String(row['keyspace_name']),
        factors: factorsOf(row['replication'] as Record<string, string>),
      }));
    },

    async cleanUp(keyspace, signal) {
      const operation = 'forceKeyspaceCleanup(java.lang.String,[Ljava.lang.String;)';
      const status = Number(await operate(operation, [keyspace, []], LONG_MS, signal));
      if (status === 0) return;
      const word = CLEANUP_STATUS[status] ?? `status ${status}`;
      throw new OperatorError('CASSANDRA_ERROR', `cleanup of keyspace ${keyspace}: Cassandra says ${word}`);
    },

    async stopCleanUps() {
      const options = { timeoutMs: SHORT_MS };
      await jolokia.execute(COMPACTION_MANAGER, 'stopCompaction(java.lang.String)', ['CLEANUP'], options);
    },

    async startRepair(keyspace, signal) {
      const operation = 'repairAsync(java.lang.String,java.util.Map)';
      const repair = Number(await operate(operation, [keyspace, REPAIR_OPTIONS], SHORT_MS, signal));
      return repair === NOTHING_TO_REPAIR ? null : repair;
    },

    async repairStatus(repair, signal) {
      const answer = await operate('getParentRepairStatus(int)', [repair], SHORT_MS, signal);
      if (!Array.isArray(answer)) return null;
      const [word, ...messages] = answer.map(String);
      return { state: REPAIR_STATES[word as keyof typeof REPAIR_STATES], messages };
    },

    async cancelRepairs() {
      await operate('forceTerminateAllRepairSessions()', [], SHORT_MS);
    },

    async decommission(signal) {
      await operate('decommission(boolean)', [true], LONG_MS, signal);
    },

    async removeNode(hostId, signal) {
      await operate('removeNode(java.lang.String)', [hostId], LONG_MS, signal);
    },

    async isRemoving(signal) {
      const options = { signal, timeoutMs: SHORT_MS };
      // StorageService.getRemovalStatus: this sentence, or which token is removed and who has not confirmed it yet.
      return (await jolokia.read(STORAGE_SERVICE, 'RemovalStatus', options)) !== 'No token removals in process.';
    },

    ring: (signal) => readRing(jolokia, signal),
  };
}

async function readRing(jolokia: Jolokia, signal?: AbortSignal): Promise<RingMember[]> {
  const options = { signal, timeoutMs: SHORT_MS };
  const addresses = (await jolokia.read(STORAGE_SERVICE, 'HostIdToEndpoint', options)) as Record<string, string>;
  const members = Object.entries(addresses);
  const requests = members.map(([, address]): JolokiaRequest => {
    return { type: 'exec', mbean: SNITCH, operation: 'getDatacenter(java.lang.String)', arguments: [address] };
  });
  const answers = await jolokia.bulk(requests, options);
  return members.map(([hostId, address], index) => {
    const [request, answer] = [requests[index], answers[index]];
    if (!request) throw new RangeError(`there is no request ${index}`);
    return { hostId, address, datacenter: String(valueOf(request, answer)) };
  });
}

/** `{class, dc1: '3', dc2: '3/1'}` (of which one transient), or `{class, replication_factor: '3'}`. */
function factorsOf({ class: strategy = '', ...options }: Record<string, string>): Record<string, number> {
  if (strategy.endsWith('SimpleStrategy')) return { '*': Number.parseInt(options['replication_factor'] ?? '0', 10) };
  if (!strategy.endsWith('NetworkTopologyStrategy')) return {};
  return Object.fromEntries(Object.entries(options).map(([name, factor]) => [name, Number.parseInt(factor, 10)]));
}
