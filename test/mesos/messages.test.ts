import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import {
  decodeExecutorCall,
  decodeExecutorEvent,
  decodeExecutorInfo,
  decodeExecutorMessage,
  decodeHealth,
  decodeNodeTask,
  decodePace,
  decodeSchedulerCall,
  decodeSchedulerEvent,
  decodeStepProgress,
  encodeExecutorCall,
  encodeExecutorEvent,
  encodeExecutorInfo,
  encodeExecutorMessage,
  encodeHealth,
  encodeNodeTask,
  encodePace,
  encodeSchedulerCall,
  encodeSchedulerEvent,
  encodeStepProgress,
} from '../../src/mesos/messages.ts';
import type {
  ExecutorCall,
  ExecutorEvent,
  ExecutorInfo,
  SchedulerCall,
  SchedulerEvent,
} from '../../src/mesos/types.ts';
import type { NodeHealth } from '../../src/model/node.ts';
import { emptyReport, type NodeTask } from '../../src/model/step.ts';
import { bodyBytes, messageBytes, readRecording, recordedLine, recordings } from './recorded.ts';

/** Fields in the recordings that we do not speak. Anything else that is missing is a mistake. */
const NOT_SPOKEN = [/^subscribed\.masterInfo\.capabilities$/, /^update\.status\.(containerStatus|unreachableTime)$/];

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

/** Differences between a message of ours and the recorded JSON; fields that we do not speak go to `skipped`. */
function differences(ours: unknown, recorded: unknown, path: string, skipped: string[]): string[] {
  if (ours instanceof Uint8Array) {
    return Buffer.from(ours).toString('base64') === recorded ? [] : [`${path}: other bytes`];
  }
  if (Array.isArray(ours) && Array.isArray(recorded)) {
    if (ours.length !== recorded.length) return [`${path}: ${ours.length} instead of ${recorded.length} items`];
    return ours.flatMap((item, index) => differences(item, recorded[index], path, skipped));
  }
  if (typeof ours === 'object' && ours !== null && typeof recorded === 'object' && recorded !== null) {
    const theirs = new Map(Object.entries(recorded).map(([name, value]) => [camelCase(name), value as unknown]));
    const found: string[] = [];
    for (const [name, value] of theirs) {
      const at = path === '' ? name : `${path}.${name}`;
      if (Object.hasOwn(ours, name)) found.push(...differences(ours[name as keyof typeof ours], value, at, skipped));
      else if (NOT_SPOKEN.some((pattern) => pattern.test(at))) skipped.push(at);
      else found.push(`${at}: missing`);
    }
    for (const [name, value] of Object.entries(ours)) {
      if (!theirs.has(name) && !(Array.isArray(value) && value.length === 0)) found.push(`${path}.${name}: made up`);
    }
    return found;
  }
  // 64 bit integers are text in the recordings.
  const same = typeof ours === 'number' ? ours === Number(recorded) : ours === recorded;
  return same ? [] : [`${path}: ${JSON.stringify(ours)} instead of ${JSON.stringify(recorded)}`];
}

for (const file of recordings) {
  const executor = file.includes('-executor');

  test(`every event in ${file} is read as it was meant, and written back the same`, (t) => {
    for (const line of readRecording(file).filter(({ kind }) => kind === 'stream-event')) {
      const bytes = messageBytes(line);
      const event = executor ? decodeExecutorEvent(bytes) : decodeSchedulerEvent(bytes);
      const skipped: string[] = [];
      t.deepEqual(differences(event, line.decoded, '', skipped), [], `line ${line.n}`);
      const again = executor
        ? encodeExecutorEvent(event as ExecutorEvent)
        : encodeSchedulerEvent(event as SchedulerEvent);
      // An agent's info carries a field that the recorder did not show either.
      const whole = skipped.length === 0 && !(executor && event.type === 'SUBSCRIBED');
      if (whole) t.deepEqual(Buffer.from(again), bytes, `line ${line.n}`);
      t.deepEqual(executor ? decodeExecutorEvent(again) : decodeSchedulerEvent(again), event, `line ${line.n}`);
    }
  });

  test(`every call in ${file} is read as it was meant, and written back the same`, (t) => {
    const lines = readRecording(file).filter(({ request }) => request?.decoded);
    t.true(lines.length > 0);
    for (const line of lines) {
      const bytes = bodyBytes(line);
      // Mesos refuses it too: it asked for credentials first.
      if (line.request?.decoded?.type === 'SUBSCRIBE' && line.request.decoded['subscribe'] === undefined) {
        t.throws(() => decodeExecutorCall(bytes), { message: /Expected 'subscribe'/ });
        continue;
      }
      const read = executor ? decodeExecutorCall(bytes) : decodeSchedulerCall(bytes);
      const { call, ...identity } = read;
      const skipped: string[] = [];
      t.deepEqual(differences({ ...call, ...identity }, line.request?.decoded, '', skipped), [], `line ${line.n}`);
      const again =
        'executorId' in read
          ? encodeExecutorCall(read.call as ExecutorCall, read)
          : encodeSchedulerCall(read.call as SchedulerCall, read.frameworkId);
      if (skipped.length === 0) t.deepEqual(Buffer.from(again), bytes, `line ${line.n}`);
      t.deepEqual(executor ? decodeExecutorCall(again) : decodeSchedulerCall(again), read, `line ${line.n}`);
    }
  });
}

test('bytes of a decoded message are its own', (t) => {
  const bytes = messageBytes(recordedLine('01-scheduler.jsonl', 21));
  const event = decodeSchedulerEvent(bytes);
  bytes.fill(0);
  t.is(event.type === 'UPDATE' && Buffer.from(event.update.status.data ?? []).toString(), 'progress-1');
  t.is(event.type === 'UPDATE' && event.update.status.data?.constructor, Uint8Array);
});

test('an event of a type that we do not know is read as UNKNOWN', (t) => {
  t.deepEqual(decodeSchedulerEvent(Uint8Array.of(0x08, 99)), { type: 'UNKNOWN' });
  t.deepEqual(decodeExecutorEvent(Uint8Array.of(0x08, 99)), { type: 'UNKNOWN' });
  t.deepEqual(decodeSchedulerEvent(Uint8Array.of()), { type: 'UNKNOWN' });
});

test('an unknown value of another enum is kept as its number and spoils nothing', (t) => {
  const update = encodeSchedulerEvent({
    type: 'UPDATE',
    update: { status: { taskId: { value: 't' }, state: 'TASK_RUNNING', reason: 'REASON_TASK_UNKNOWN' } },
  });
  // Field 2 (state) and field 10 (reason) of the status get values of a later Mesos.
  const bytes = Buffer.from(update);
  bytes[bytes.lastIndexOf(Buffer.of(0x10, 1)) + 1] = 77;
  bytes[bytes.lastIndexOf(Buffer.of(0x50, 16)) + 1] = 78;
  const event = decodeSchedulerEvent(bytes);
  t.like(event, { type: 'UPDATE', update: { status: { taskId: { value: 't' }, state: '77', reason: '78' } } });
});

test('bytes that are no message, or lack a part, are refused', (t) => {
  for (const bytes of [Uint8Array.of(0, 1, 2, 3), Uint8Array.of(0x08, 1), Uint8Array.of(0x08, 4, 0x2a, 0)]) {
    const error = t.throws(() => decodeSchedulerEvent(bytes), { instanceOf: OperatorError });
    t.is(error.code, 'BAD_REQUEST');
  }
  t.throws(() => decodeNodeTask(Uint8Array.of()), { message: /expected server or step/ });
  t.throws(() => decodeExecutorMessage(Uint8Array.of()), { message: /expected health or progress/ });
});

test('an ExecutorInfo that was stored gives the same bytes again', (t) => {
  const { call } = decodeSchedulerCall(bodyBytes(recordedLine('01-scheduler.jsonl', 17)));
  const info =
    call.type === 'ACCEPT'
      ? call.accept.operations.flatMap((operation) =>
          operation.type === 'LAUNCH' ? operation.launch.taskInfos : [],
        )[0]?.executor
      : undefined;
  t.truthy(info);
  const stored = encodeExecutorInfo(info as ExecutorInfo);
  t.deepEqual(decodeExecutorInfo(stored), info);
  t.deepEqual(encodeExecutorInfo(decodeExecutorInfo(stored)), stored);
});

const SERVER: NodeTask = {
  server: {
    clusterName: 'dev',
    executorId: 'cassandra.dev.node.0.executor',
    address: '127.0.0.2',
    ports: { storage: 7000, native: 9042, jmx: 7199, jolokia: 0 },
    seeds: ['127.0.0.1', '127.0.0.2'],
    datacenter: 'DC1',
    rack: '',
    numTokens: 16,
    dataDirectories: ['/data/1', '/data/2'],
    cassandraHome: 'cassandra',
    jolokiaJar: 'jolokia.jar',
    heapMb: 512,
    jvmOptions: [],
    cassandraYaml: { materialized_views_enabled: true, nested: { list: [1, 2] } },
    replaces: null,
    javaHome: null,
    healthIntervalMs: 5000,
    startTimeoutMs: 600_000,
  },
};

const STEP: NodeTask = {
  step: {
    jobId: 7,
    jobUuid: '0b9dbbc2-5f6c-4b52-8dd6-3f60a6e0a1c1',
    type: 'RESTORE',
    phase: 'truncate',
    attempt: 2,
    cluster: 'dev',
    executorId: 'cassandra.dev.node.0.executor',
    backupName: 'backup-0',
    location: 'file:///backup',
    keyspaces: ['ks1'],
    tables: null,
    sourceExecutorId: null,
    snapshotTaken: false,
    manifestSha256: null,
    mode: 'incremental',
    rehash: false,
    record: null,
    recordSha256: null,
    truncateTables: ['ks1.t1'],
    removeStaging: true,
    removeHostId: null,
  },
};

test('a node task comes back whole, also its empty and zero fields', (t) => {
  t.deepEqual(decodeNodeTask(encodeNodeTask(SERVER)), SERVER);
  t.deepEqual(decodeNodeTask(encodeNodeTask(STEP)), STEP);
});

const HEALTH: NodeHealth = {
  operationMode: 'NORMAL',
  hostId: 'd0f2a0fb-9bb8-4f1e-a3bb-6d4f0c1e8a01',
  version: '5.0.5',
  clusterName: 'dev',
  datacenter: 'DC1',
  rack: 'R1',
  partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
  schemaVersion: '54e17321-3f2e-37ca-9b08-d91ba7bdd369',
  tokens: ['-9223372036854775808', '42'],
  liveNodes: ['127.0.0.1'],
  unreachableNodes: [],
  movingNodes: [],
  uptimeMillis: 12_345,
  nativeTransportRunning: true,
};

test('health, progress and messages of an executor come back whole', (t) => {
  const progress = { taskId: 'cassandra.dev.node.0.executor.BACKUP', report: { ...emptyReport(), bytesDone: 2 ** 40 } };
  t.deepEqual(decodeHealth(encodeHealth(HEALTH)), HEALTH);
  t.deepEqual(decodeStepProgress(encodeStepProgress(progress)), progress);
  t.deepEqual(decodeExecutorMessage(encodeExecutorMessage({ health: HEALTH })), { health: HEALTH });
  t.deepEqual(decodeExecutorMessage(encodeExecutorMessage({ progress })), { progress });
});

test('what an executor is told of its pace comes back as it was, and what a newer scheduler says is no pace', (t) => {
  for (const bandwidth of [1000, 50_000_000, 2 ** 40, null]) {
    t.deepEqual(decodePace(encodePace({ taskId: 'task', bandwidth })), { taskId: 'task', bandwidth });
  }
  // Field 9, length-delimited, empty.
  t.is(decodePace(Uint8Array.of(0x4a, 0)), null);
});
