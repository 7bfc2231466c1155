// An executor client at work against an agent played by the test.
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import { createLogger } from '../../src/log.ts';
import { MesosExecutorClient, type ExecutorClientOptions } from '../../src/mesos/executor-client.ts';
import { readExecutorEnvironment } from '../../src/mesos/executor-environment.ts';
import { decodeExecutorCall, encodeExecutorEvent } from '../../src/mesos/messages.ts';
import { encodeRecord } from '../../src/mesos/record-io.ts';
import type { ExecutorCall, ExecutorEvent, TaskStatus } from '../../src/mesos/types.ts';
import { Inbox, startPeer, type Exchange, type Peer } from './loopback-peer.ts';
import { recordBytes, recordedLine } from './recorded.ts';

export const EXECUTOR = '02-executor.jsonl';
/** The tasks that lines 4 and 5 launch. */
export const SERVER = { value: 'node.0.server' };
export const BACKUP = { value: 'node.0.BACKUP' };

export const recorded = (n: number): Buffer => recordBytes(recordedLine(EXECUTOR, n));
export const SUBSCRIBED = recorded(3);

export interface Running {
  client: MesosExecutorClient;
  peer: Peer;
  events: Inbox<ExecutorEvent>;
  /** Settles when run() does. */
  ended: Promise<void>;
  abort: () => void;
}

/** The recorded executor, in the environment that the recorded agent gave it. */
export async function start(t: ExecutionContext, options: Partial<ExecutorClientOptions> = {}): Promise<Running> {
  const peer = await startPeer(t);
  const client = new MesosExecutorClient({
    ...readExecutorEnvironment(recordedLine(EXECUTOR, 1).env ?? {}),
    agentEndpoint: peer.address,
    backoff: { minMs: 1, maxMs: 5 },
    log: createLogger('test', 'silent'),
    clock: systemClock,
    ...options,
  });
  const events = new Inbox<ExecutorEvent>();
  const controller = new AbortController();
  const ended = client.run((event) => events.put(event), controller.signal);
  // A test that expects the end awaits it; the others only must not leave it behind.
  ended.catch(() => undefined);
  t.teardown(() => controller.abort());
  return { client, peer, events, ended, abort: () => controller.abort() };
}

export async function startSubscribed(
  t: ExecutionContext,
  options: Partial<ExecutorClientOptions> = {},
): Promise<Running & { stream: Exchange }> {
  const running = await start(t, options);
  const stream = await running.peer.requests.take();
  stream.stream(SUBSCRIBED);
  await running.events.take();
  return { ...running, stream };
}

export function subscribe({ body }: Exchange): Extract<ExecutorCall, { type: 'SUBSCRIBE' }>['subscribe'] {
  const { call } = decodeExecutorCall(body);
  if (call.type !== 'SUBSCRIBE') throw new Error(`expected SUBSCRIBE, got ${call.type}`);
  return call.subscribe;
}

export function update({ body }: Exchange): TaskStatus {
  const { call } = decodeExecutorCall(body);
  if (call.type !== 'UPDATE') throw new Error(`expected UPDATE, got ${call.type}`);
  return call.update.status;
}

/** Sends an update and takes it at the agent. */
export async function updateAccepted(
  { client, peer }: Running,
  status: Pick<TaskStatus, 'taskId' | 'state'>,
): Promise<TaskStatus> {
  const sending = client.update(status);
  const request = await peer.requests.take();
  request.accept();
  await sending;
  return update(request);
}

export function acknowledged({ taskId, uuid = new Uint8Array() }: TaskStatus): Uint8Array {
  return encodeRecord(encodeExecutorEvent({ type: 'ACKNOWLEDGED', acknowledged: { taskId, uuid } }));
}
