import { EventEmitter, once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { decodeSchedulerEvent, encodeSchedulerCall } from '../../../src/mesos/messages.ts';
import { RecordDecoder } from '../../../src/mesos/record-io.ts';
import { OperatorError } from '../../../src/errors.ts';
import type {
  ExecutorInfo,
  FrameworkInfo,
  Id,
  Offer,
  OfferOperation,
  OperationState,
  OperationStatus,
  SchedulerCall,
  SchedulerEvent,
  TaskInfo,
  TaskState,
  TaskStatus,
} from '../../../src/mesos/types.ts';

/** Longer than any answer takes, shorter than a test may. A resent update of a real agent comes after 10 s. */
const PATIENCE_MS = 40_000;

const PROTOBUF = { 'Content-Type': 'application/x-protobuf', Accept: 'application/x-protobuf' };

export const FRAMEWORK: FrameworkInfo = {
  user: process.env['USER'] ?? 'root',
  name: 'protocol',
  failoverTimeout: 60,
  checkpoint: true,
  roles: ['*'],
  capabilities: ['PARTITION_AWARE', 'TASK_KILLING_STATE', 'MULTI_ROLE', 'RESERVATION_REFINEMENT', 'REGION_AWARE'].map(
    (type) => ({ type }),
  ),
};

type EventOf<T extends SchedulerEvent['type']> = Extract<SchedulerEvent, { type: T }>;

export interface Answered {
  status: number;
  text: string;
}

/** Sends bytes to the scheduler endpoint as they are. */
export async function post(
  master: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answered & { response: IncomingMessage }> {
  const response = await open(master, body, headers);
  return { status: response.statusCode ?? 0, text: await text(response), response };
}

async function open(master: string, body: Uint8Array, headers: Record<string, string>): Promise<IncomingMessage> {
  const call = request(`${master}/api/v1/scheduler`, { method: 'POST', headers: { ...PROTOBUF, ...headers } });
  call.end(body);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return response;
}

/** A scheduler that hides nothing: every event is there to be looked at, every call says how it was answered. */
export class TestScheduler {
  readonly streamId: string;
  readonly #master: string;
  readonly #response: IncomingMessage | undefined;
  #events: SchedulerEvent[] = [];
  /** Uuids of updates, in hex. */
  readonly #acknowledged = new Set<string>();
  #ended = false;
  readonly #changes = new EventEmitter();
  readonly #headers: Record<string, string>;
  #frameworkId: Id = { value: '' };

  protected constructor(master: string, headers: Record<string, string>, response?: IncomingMessage) {
    this.#master = master;
    this.#headers = headers;
    this.#response = response;
    this.streamId = String(response?.headers['mesos-stream-id']);
    if (response) this.#listen(response);
  }

  #listen(response: IncomingMessage): void {
    const records = new RecordDecoder();
    response.on('data', (chunk: Buffer) => {
      for (const record of records.push(chunk)) this.take(decodeSchedulerEvent(record) as SchedulerEvent);
    });
    response.on('error', () => response.destroy());
    response.once('close', () => this.end());
  }

  /** Subscribes; the first event is still to come. `headers` go with every call. */
  static async open(
    master: string,
    info: Partial<FrameworkInfo> = {},
    headers: Record<string, string> = {},
  ): Promise<TestScheduler> {
    const frameworkInfo = { ...FRAMEWORK, ...info };
    const body = encodeSchedulerCall({ type: 'SUBSCRIBE', subscribe: { frameworkInfo } }, info.id);
    const response = await open(master, body, headers);
    if (response.statusCode !== 200) throw new Error(`SUBSCRIBE: ${response.statusCode} ${await text(response)}`);
    return new TestScheduler(master, headers, response);
  }

  /** Subscribes and waits for SUBSCRIBED. */
  static async subscribe(...args: Parameters<typeof TestScheduler.open>): Promise<TestScheduler> {
    const scheduler = await TestScheduler.open(...args);
    await scheduler.next('SUBSCRIBED');
    return scheduler;
  }

  get frameworkId(): Id {
    return this.#frameworkId;
  }

  /** How many events of this type that fit wait to be taken. */
  count<T extends SchedulerEvent['type']>(type: T, fits: (event: EventOf<T>) => boolean = () => true): number {
    return this.#events.filter((event) => event.type === type && fits(event as EventOf<T>)).length;
  }

  async call(call: SchedulerCall, streamId = this.streamId): Promise<Answered> {
    const headers = { ...this.#headers, 'Mesos-Stream-Id': streamId };
    const { status, text: said } = await post(this.#master, encodeSchedulerCall(call, this.#frameworkId), headers);
    return { status, text: said };
  }

  /** Takes the first event of the type that fits, now or when it comes. */
  async next<T extends SchedulerEvent['type']>(
    type: T,
    fits: (event: EventOf<T>) => boolean = () => true,
  ): Promise<EventOf<T>> {
    const found = await this.nextOf((event) => event.type === type && fits(event as EventOf<T>), type);
    return found as EventOf<T>;
  }

  /** Takes the first event that fits, of whatever type. */
  async nextOf(fits: (event: SchedulerEvent) => boolean, wanted = 'an event'): Promise<SchedulerEvent> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const found = this.#events.find(fits);
      if (found) {
        this.#events = this.#events.filter((event) => event !== found);
        return found;
      }
      if (this.#ended || deadline.aborted) throw this.#missing(wanted);
      await this.change(deadline);
    }
  }

  /** The first offer of an agent that fits; offers of others that come with it are left for later. */
  async offer(fits: (offer: Offer) => boolean = () => true): Promise<Offer> {
    const event = await this.next('OFFERS', ({ offers }) => offers.offers.some(fits));
    const { offers } = event.offers;
    const taken = offers.find(fits);
    const rest = offers.filter((offer) => offer !== taken);
    if (rest.length > 0) this.take({ type: 'OFFERS', offers: { offers: rest } });
    if (!taken) throw this.#missing('OFFERS');
    return taken;
  }

  /** As `offer`, but declines what does not fit, so that it comes again together with what has become free. */
  async wholeOffer(fits: (offer: Offer) => boolean): Promise<Offer> {
    for (;;) {
      const offer = await this.offer();
      if (fits(offer)) return offer;
      await this.call({ type: 'DECLINE', decline: { offerIds: [offer.id], filters: { refuseSeconds: 0 } } });
    }
  }

  /** The next update of the task in that state, not acknowledged. */
  async update(taskId: string, state: TaskState): Promise<TaskStatus> {
    // An update that came twice before it was acknowledged is not the next one, of a task of that id that came after.
    const fits = ({ update: { status } }: EventOf<'UPDATE'>) =>
      status.taskId.value === taskId && status.state === state && !this.#acknowledged.has(uuidOf(status));
    const event = await this.next('UPDATE', fits);
    return event.update.status;
  }

  /** The next status of the operation, in that state, not acknowledged. */
  async operation(operationId: string, state: OperationState): Promise<OperationStatus> {
    const event = await this.next('UPDATE_OPERATION_STATUS', ({ updateOperationStatus: { status } }) => {
      return status.operationId?.value === operationId && status.state === state;
    });
    return event.updateOperationStatus.status;
  }

  async acknowledgeOperation({ operationId, agentId, uuid }: OperationStatus): Promise<void> {
    if (!operationId || !agentId || !uuid) throw new Error('Expected a status that can be acknowledged');
    const acknowledgement = { operationId, agentId, uuid: uuid.value };
    await this.call({ type: 'ACKNOWLEDGE_OPERATION_STATUS', acknowledgeOperationStatus: acknowledgement });
  }

  async acknowledge({ agentId = { value: '' }, taskId, uuid }: TaskStatus): Promise<void> {
    if (!uuid) return;
    await this.call({ type: 'ACKNOWLEDGE', acknowledge: { agentId, taskId, uuid } });
    this.#acknowledged.add(uuidOf({ uuid }));
  }

  /** Waits for the updates one after the other and acknowledges each; gives the last. */
  async expect(taskId: string, ...states: TaskState[]): Promise<TaskStatus> {
    let last: TaskStatus | undefined;
    for (const state of states) {
      last = await this.update(taskId, state);
      await this.acknowledge(last);
    }
    if (!last) throw new Error('expected at least one state');
    return last;
  }

  /** Accepts the offer with these tasks; what is left of it is not offered again for `refuseSeconds`. */
  async launch(offer: Offer, taskInfos: TaskInfo[], refuseSeconds = 3600): Promise<Answered> {
    return this.accept(offer, [{ type: 'LAUNCH', launch: { taskInfos } }], refuseSeconds);
  }

  async accept({ id }: Offer, operations: OfferOperation[], refuseSeconds = 0): Promise<Answered> {
    return this.call({ type: 'ACCEPT', accept: { offerIds: [id], operations, filters: { refuseSeconds } } });
  }

  /** Resolves when the master has ended the stream. */
  async ended(): Promise<void> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    while (!this.#ended) {
      if (deadline.aborted) throw this.#missing('the end of the stream');
      await this.change(deadline);
    }
  }

  /** As a process that dies. */
  disconnect(): void {
    this.#response?.destroy();
  }

  /** Nothing more comes. */
  protected end(): void {
    this.#ended = true;
    this.#changes.emit('change');
  }

  /** Of those that wait to be taken. */
  protected forget(type: SchedulerEvent['type']): void {
    this.#events = this.#events.filter((event) => event.type !== type);
  }

  protected take(event: SchedulerEvent): void {
    if (event.type === 'SUBSCRIBED') this.#frameworkId = event.subscribed.frameworkId;
    this.#events.push(event);
    this.#changes.emit('change');
  }

  /** Resolves when something happened, or the deadline has come. */
  protected async change(deadline: AbortSignal): Promise<void> {
    try {
      await once(this.#changes, 'change', { signal: deadline });
    } catch (error) {
      if (!deadline.aborted) throw error;
    }
  }

  #missing(type: string): Error {
    const there = JSON.stringify(this.#events);
    const how = this.#ended ? 'before the stream ended' : `within ${PATIENCE_MS} ms`;
    return new OperatorError('TIMEOUT', `Expected ${type} ${how}; not taken: ${there}`);
  }
}

function uuidOf({ uuid }: Pick<TaskStatus, 'uuid'>): string {
  return uuid === undefined ? '' : Buffer.from(uuid).toString('hex');
}

/** The test executor by its id; the same each time. */
export function testExecutor(executorId: string, changes: Partial<ExecutorInfo> = {}): ExecutorInfo {
  const script = fileURLToPath(new URL('executor.ts', import.meta.url));
  return {
    type: 'CUSTOM',
    executorId: { value: executorId },
    name: executorId,
    source: 'protocol',
    command: { value: `exec '${process.execPath}' '${script}'` },
    resources: [
      { name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } },
      { name: 'mem', type: 'SCALAR', scalar: { value: 32 } },
    ],
    shutdownGracePeriod: { nanoseconds: 10e9 },
    ...changes,
  };
}

/** A task of the test executor; `wish` is what executor.ts is to do with it. */
export function testTask(
  taskId: string,
  { agentId }: Pick<Offer, 'agentId'>,
  { wish = 'stay', executor = testExecutor('node.0.executor'), cpus = 0.1 } = {},
): TaskInfo {
  return {
    name: taskId,
    taskId: { value: taskId },
    agentId,
    executor,
    data: Buffer.from(wish),
    resources: [
      { name: 'cpus', type: 'SCALAR', scalar: { value: cpus } },
      { name: 'mem', type: 'SCALAR', scalar: { value: 16 } },
    ],
  };
}
