import { createHash } from 'node:crypto';
import type { NodeHealth } from '../../src/model/node.ts';
import { emptyReport, type StepReport, type StepRequest } from '../../src/model/step.ts';

const TOKENS = 16;
const TABLES = ['orders', 'customers', 'events'];
const BYTES = 50 * 2 ** 30;
const FILES = 2_400;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What a Cassandra that is NORMAL says of itself; of its neighbours it only names a few. */
export function healthOf(executorId: string, uptimeMillis: number): NodeHealth {
  const digest = sha256(executorId);
  return {
    operationMode: 'NORMAL',
    hostId: hostIdOf(executorId),
    version: '5.0.5',
    clusterName: 'scale',
    datacenter: 'DC1',
    rack: 'RAC1',
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    schemaVersion: hostIdOf('schema'),
    tokens: tokensOf(digest),
    liveNodes: ['127.0.0.1'],
    unreachableNodes: [],
    movingNodes: [],
    uptimeMillis,
    nativeTransportRunning: true,
  };
}

function hostIdOf(text: string): string {
  return sha256(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}

function tokensOf(digest: string): string[] {
  return Array.from({ length: TOKENS }, (_, index) =>
    String(BigInt.asIntN(64, BigInt(`0x${sha256(digest + index).slice(0, 16)}`))),
  );
}

/** How far a step is in its middle. */
export function progressOf(request: StepRequest): StepReport {
  if (request.phase !== 'backup') return emptyReport();
  const counted = { bytesTotal: BYTES, bytesDone: BYTES / 2, filesTotal: FILES, filesDone: FILES / 2 };
  return { ...emptyReport(), ...counted, remainingKeyspaces: ['shop'], current: 'shop/orders-1/nb-1-big-Data.db' };
}

/** What an executor reports of a step that went well. */
export function reportOf(request: StepRequest): StepReport {
  if (request.phase !== 'backup') return emptyReport();
  const { executorId } = request;
  const table = { files: FILES / TABLES.length, bytes: BYTES / TABLES.length, error: null, safetySnapshot: null };
  const tables = Object.fromEntries(TABLES.map((name) => [name, table]));
  const { hostId, tokens, schemaVersion } = healthOf(executorId, 0);
  return {
    ...emptyReport(),
    keyspaces: { shop: { status: 'SUCCESS', durationMillis: 1, bytes: BYTES, error: null, tables } },
    bytesTotal: BYTES,
    bytesDone: BYTES,
    filesTotal: FILES,
    filesDone: FILES,
    manifest: {
      sha256: sha256(`manifest of ${executorId}`),
      hostId,
      tokens,
      hostname: executorId,
      ip: '127.0.0.1',
      schemaVersion,
      files: FILES,
      bytes: BYTES,
    },
  };
}
