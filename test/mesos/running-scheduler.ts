// A scheduler client at work against masters played by the test.
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import { createLogger } from '../../src/log.ts';
import { encodeSchedulerEvent } from '../../src/mesos/messages.ts';
import { parseMasters } from '../../src/mesos/masters.ts';
import { encodeRecord } from '../../src/mesos/record-io.ts';
import { MesosSchedulerClient, type SchedulerClientOptions } from '../../src/mesos/scheduler-client.ts';
import type { FrameworkInfo, SchedulerEvent } from '../../src/mesos/types.ts';
import { Inbox, startPeer, type Exchange, type Peer } from './loopback-peer.ts';
import { bodyBytes, recordBytes, recordedLine } from './recorded.ts';

export const SCHEDULER = '01-scheduler.jsonl';
export const FAULTS = '04-scheduler-faults.jsonl';

/** The framework of the recordings. */
export const FRAMEWORK: FrameworkInfo = {
  user: 'root',
  name: 'recorder',
  failoverTimeout: 60,
  checkpoint: true,
  capabilities: [
    { type: 'PARTITION_AWARE' },
    { type: 'TASK_KILLING_STATE' },
    { type: 'MULTI_ROLE' },
    { type: 'RESERVATION_REFINEMENT' },
    { type: 'REGION_AWARE' },
  ],
  roles: ['*'],
};

export const recorded = (file: string, n: number): Buffer => recordBytes(recordedLine(file, n));
export const recordedBody = (file: string, n: number): Buffer => bodyBytes(recordedLine(file, n));

export function subscribed(heartbeatIntervalSeconds: number): Uint8Array {
  const event = { frameworkId: { value: 'framework-1' }, heartbeatIntervalSeconds };
  return encodeRecord(encodeSchedulerEvent({ type: 'SUBSCRIBED', subscribed: event }));
}

export interface Running {
  client: MesosSchedulerClient;
  events: Inbox<SchedulerEvent>;
  /** Settles when run() does. */
  ended: Promise<void>;
  abort: () => void;
}

/** `masters` is joined to what `--master` takes. */
export type ClientOptions = Partial<Omit<SchedulerClientOptions, 'masters'>> & { masters: string[] };

export function createClient({ masters, ...options }: ClientOptions): MesosSchedulerClient {
  return new MesosSchedulerClient({
    masters: parseMasters(masters.join(',')),
    frameworkInfo: FRAMEWORK,
    log: createLogger('test', 'silent'),
    clock: systemClock,
    backoff: { minMs: 1, maxMs: 5 },
    ...options,
  });
}

export function start(
  t: ExecutionContext,
  options: ClientOptions,
  onEvent?: (event: SchedulerEvent, client: MesosSchedulerClient) => void | Promise<void>,
): Running {
  const client = createClient(options);
  const events = new Inbox<SchedulerEvent>();
  const controller = new AbortController();
  const ended = client.run(async (event) => {
    await onEvent?.(event, client);
    events.put(event);
  }, controller.signal);
  // A test that expects the end awaits it; the others only must not leave it behind.
  ended.catch(() => undefined);
  t.teardown(() => controller.abort());
  return { client, events, ended, abort: () => controller.abort() };
}

/** Subscribes a client at a peer of its own and waits until it is. */
export async function startSubscribed(
  t: ExecutionContext,
  options: Partial<ClientOptions> = {},
): Promise<Running & { peer: Peer; stream: Exchange }> {
  const peer = await startPeer(t);
  const running = start(t, { masters: [peer.address], ...options });
  const stream = await peer.requests.take();
  stream.stream(recorded(SCHEDULER, 7));
  await running.events.take();
  return { ...running, peer, stream };
}
