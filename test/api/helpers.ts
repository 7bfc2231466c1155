import { EventEmitter, once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import { createApi } from '../../src/api/api.ts';
import type { ApiDeps } from '../../src/api/deps.ts';
import { createApiServer } from '../../src/api/server.ts';
import { systemClock } from '../../src/clock.ts';
import { BackupCatalogue } from '../../src/jobs/backup-catalogue.ts';
import type { BackupReader } from '../../src/jobs/backup-reader.ts';
import { ClusterJobs, type FoundBackup } from '../../src/jobs/cluster-jobs.ts';
import { executorIdOf, newNode, type ClusterNode, type NodeHealth } from '../../src/model/node.ts';
import { Ring } from '../../src/scheduler/ring.ts';
import { openState } from '../../src/state/database.ts';
import { checkLocation } from '../../src/storage/open.ts';
import { answerProblems } from './document.ts';

/** Far enough from any real time to be seen in an answer. */
export const NOW = 1_800_000_000_000;

export interface CallOptions {
  headers?: Record<string, string>;
  /** Sent as it is. */
  body?: string;
  /** Sent as JSON. */
  json?: unknown;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** Parsed when the answer is JSON. */
  body: any; // eslint-disable-line typescript/no-explicit-any
}

export type TestApi = Awaited<ReturnType<typeof startApi>>;

/** A real API over HTTP on loopback, with real state and real jobs; everything goes away with the test. */
export async function startApi(
  t: ExecutionContext,
  options: {
    nodes?: ClusterNode[];
    deps?: Partial<ApiDeps>;
    found?: FoundBackup['state'];
    reader?: BackupReader;
  } = {},
) {
  const directory = mkdtempSync(join(tmpdir(), 'api-'));
  const state = openState(join(directory, 'scheduler.sqlite'));
  let given = 0;
  const nodes = options.nodes ?? [aNode(0), aNode(1), aNode(2)];
  for (const node of nodes) state.nodes.save(node);
  // Numbers are given out by the state alone, and never again.
  while (nodes.some(({ number }) => number >= given)) given = state.nodes.nextNumber() + 1;
  const clock = { ...systemClock, now: () => NOW };
  const seen = { wakes: 0, log: '' };
  const woken = new EventEmitter();
  const wake = () => {
    seen.wakes += 1;
    woken.emit('wake');
  };
  const jobs = new ClusterJobs({
    state,
    clock,
    cluster: 'dev',
    defaultLocation: 'file:///backup',
    wake,
    findBackup: () => Promise.resolve({ state: options.found ?? 'UNKNOWN', message: null }),
    checkLocation,
  });
  const backups = new BackupCatalogue({
    state,
    clock,
    defaultLocation: 'file:///backup',
    reader: options.reader ?? {
      list: () => Promise.resolve({ seen: false, reason: 'it is not mounted here' }),
      read: () => Promise.resolve({ seen: false, reason: 'it is not mounted here' }),
      foreign: () => Promise.resolve({ seen: false, reason: 'it is not mounted here' }),
      ownBytes: () => null,
      countOwnBytes: () => Promise.resolve(null),
    },
  });
  const sink = new Writable({
    write(chunk, _encoding, done) {
      seen.log += String(chunk);
      done();
    },
  });
  const deps: ApiDeps = {
    jobs,
    backups,
    checkLocation: (location = 'file:///backup') => Promise.resolve({ location, reachable: true, writable: null }),
    nodes: state.nodes,
    state,
    ring: new Ring({ state, wake }),
    offers: () => ({ offers: [], waiting: [] }),
    artifacts: [],
    cluster: { name: 'dev', frameworkName: 'cassandra.dev', targetNodes: () => 3, seedCount: 1 },
    config: () => ({ backupDirectory: 'file:///backup' }),
    metrics: () => Promise.resolve(''),
    frameworkId: () => 'framework-1',
    wake,
    clock,
    log: pino({ level: 'info' }, sink),
    startedAt: NOW - 5000,
    token: null,
    insecure: false,
    boundToLoopback: true,
    ...options.deps,
  };
  const server = createApiServer(createApi(deps));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done)); // also when it is closed already
    state.close();
    await rm(directory, { recursive: true, force: true });
  });
  const { port } = server.address() as AddressInfo;
  /** Sends exactly this path, and holds the answer against the document. */
  const call = async (
    method: string,
    path: string,
    { headers = {}, body, json }: CallOptions = {},
  ): Promise<Answer> => {
    const content = json === undefined ? body : JSON.stringify(json);
    const sent = request({
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: {
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        // Node says it by itself for POST and PUT alone.
        ...(content === undefined || method !== 'DELETE'
          ? {}
          : { 'content-length': String(Buffer.byteLength(content)) }),
        ...headers,
      },
    });
    sent.end(content);
    const [response] = await once(sent, 'response');
    const received = { status: response.statusCode, headers: response.headers, text: await text(response) };
    const type = String(received.headers['content-type'] ?? '').split(';', 1)[0] ?? '';
    const parsed: unknown =
      type === 'application/json' && received.text !== '' ? JSON.parse(received.text) : received.text;
    if (method === 'GET' || method === 'POST' || method === 'DELETE') {
      const documented = { status: received.status, type, body: parsed };
      t.deepEqual(answerProblems({ method, path: path.split('?', 1)[0] ?? '' }, documented), [], `${method} ${path}`);
    }
    return { ...received, body: parsed };
  };
  /** Stops listening, as a scheduler that dies, and listens on the same port again. */
  const stop = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  const start = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  return { url: `http://127.0.0.1:${port}`, port, state, jobs, directory, seen, woken, call, stop, start };
}

/** A node that runs and is NORMAL in a ring of three. */
export function aNode(number: number, changes: Partial<ClusterNode> = {}): ClusterNode {
  return {
    ...newNode('dev', number, number === 0),
    agentId: `agent-${number}`,
    hostname: `slave${number}`,
    ip: `127.0.0.${number + 1}`,
    ports: { storage: 7000, native: 9042, jmx: 7199, jolokia: 8778 },
    executorInfo: new Uint8Array([1, 2, 3]),
    serverTaskId: `${executorIdOf('dev', number)}.server.1`,
    serverState: 'RUNNING',
    launches: 1,
    launchNotBefore: null,
    lastError: null,
    health: aHealth(number),
    healthAt: NOW - 1000,
    bootstrapped: true,
    ...changes,
  };
}

export function aHealth(number: number, changes: Partial<NodeHealth> = {}): NodeHealth {
  return {
    operationMode: 'NORMAL',
    hostId: `00000000-0000-0000-0000-00000000000${number}`,
    version: '5.0.5',
    clusterName: 'dev',
    datacenter: 'DC1',
    rack: 'RAC1',
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    schemaVersion: 'aaaaaaaa-0000-0000-0000-000000000000',
    tokens: [String(number)],
    liveNodes: ['127.0.0.1', '127.0.0.2', '127.0.0.3'],
    unreachableNodes: [],
    movingNodes: [],
    uptimeMillis: 60_000,
    nativeTransportRunning: true,
    ...changes,
  };
}
