import { OperatorError } from '../errors.ts';
import type { NodeHealth } from '../model/node.ts';
import { valueOf, type CallOptions, type Jolokia, type JolokiaRequest } from './jolokia.ts';

/** Cassandra's StorageServiceMBean: most of what nodetool does. */
export const STORAGE_SERVICE = 'org.apache.cassandra.db:type=StorageService';
const SNITCH = 'org.apache.cassandra.db:type=EndpointSnitchInfo';
const RUNTIME = 'java.lang:type=Runtime';

const HEALTH_TIMEOUT_MS = 10_000;

export interface ServerState {
  operationMode: string;
  nativeTransportRunning: boolean;
}

/** How far a starting server is. One that does not answer yet, or has not registered its beans, is STARTING. */
export async function readServerState(jolokia: Jolokia, signal?: AbortSignal): Promise<ServerState> {
  const entries = [read(STORAGE_SERVICE, 'OperationMode'), read(STORAGE_SERVICE, 'NativeTransportRunning')];
  try {
    const [mode, native] = await jolokia.bulk(entries, { signal, timeoutMs: HEALTH_TIMEOUT_MS });
    return {
      operationMode: mode?.status === 200 ? String(mode.value) : 'STARTING',
      nativeTransportRunning: native?.status === 200 && native.value === true,
    };
  } catch (error) {
    if (error instanceof OperatorError && error.retryable) {
      return { operationMode: 'STARTING', nativeTransportRunning: false };
    }
    throw error;
  }
}

/** Everything that the node says of itself, in one call. */
export async function readHealth(jolokia: Jolokia, signal?: AbortSignal): Promise<NodeHealth> {
  const facts = await readAll(
    jolokia,
    {
      mode: read(STORAGE_SERVICE, 'OperationMode'),
      hostId: read(STORAGE_SERVICE, 'LocalHostId'),
      version: read(STORAGE_SERVICE, 'ReleaseVersion'),
      clusterName: read(STORAGE_SERVICE, 'ClusterName'),
      partitioner: read(STORAGE_SERVICE, 'PartitionerName'),
      schemaVersion: read(STORAGE_SERVICE, 'SchemaVersion'),
      native: read(STORAGE_SERVICE, 'NativeTransportRunning'),
      live: read(STORAGE_SERVICE, 'LiveNodes'),
      unreachable: read(STORAGE_SERVICE, 'UnreachableNodes'),
      members: read(STORAGE_SERVICE, 'HostIdToEndpoint'),
      joining: read(STORAGE_SERVICE, 'JoiningNodes'),
      leaving: read(STORAGE_SERVICE, 'LeavingNodes'),
      moving: read(STORAGE_SERVICE, 'MovingNodes'),
      // The getter without an argument is an attribute; only getTokens(String endpoint) is an operation.
      tokens: read(STORAGE_SERVICE, 'Tokens'),
      datacenter: read(SNITCH, 'Datacenter'),
      rack: read(SNITCH, 'Rack'),
      uptime: read(RUNTIME, 'Uptime'),
    },
    { signal, timeoutMs: HEALTH_TIMEOUT_MS },
  );
  const members = new Set(Object.values(facts.members as Record<string, string>));
  return {
    operationMode: String(facts.mode),
    hostId: String(facts.hostId),
    version: String(facts.version),
    clusterName: String(facts.clusterName),
    datacenter: String(facts.datacenter),
    rack: String(facts.rack),
    partitioner: String(facts.partitioner),
    schemaVersion: String(facts.schemaVersion),
    tokens: sortTokens(strings(facts.tokens)),
    liveNodes: strings(facts.live),
    // Gossip goes on naming a node that has left the ring as unreachable, for days (seen with 5.0.5).
    unreachableNodes: strings(facts.unreachable).filter((address) => members.has(address)),
    movingNodes: [...strings(facts.joining), ...strings(facts.leaving), ...strings(facts.moving)],
    uptimeMillis: Number(facts.uptime),
    nativeTransportRunning: facts.native === true,
  };
}

/** Tokens are 64-bit numbers: as text they would sort wrongly, and as JavaScript numbers they would lose digits. */
export function sortTokens(tokens: string[]): string[] {
  return tokens
    .map((token) => BigInt(token))
    .sort((left, right) => (left < right ? -1 : 1))
    .map(String);
}

async function readAll<Name extends string>(
  jolokia: Jolokia,
  entries: Record<Name, JolokiaRequest>,
  options: CallOptions,
): Promise<Record<Name, unknown>> {
  const names = Object.keys(entries) as Name[];
  const requests = names.map((name) => entries[name]);
  const answers = await jolokia.bulk(requests, options);
  const pairs = names.map((name, index) => [name, valueOf(entries[name], answers[index])]);
  return Object.fromEntries(pairs) as Record<Name, unknown>;
}

function read(mbean: string, attribute: string): JolokiaRequest {
  return { type: 'read', mbean, attribute };
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
