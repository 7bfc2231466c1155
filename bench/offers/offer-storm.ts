import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve, type Answer, type EventStream, type HttpEndpoint, type Request } from '../../src/local/http.ts';
import { createLogger } from '../../src/log.ts';
import { decodeSchedulerCall, encodeSchedulerEvent } from '../../src/mesos/messages.ts';
import type { Offer, SchedulerCall } from '../../src/mesos/types.ts';

const HEARTBEAT_SECONDS = 15;
const FRAMEWORK = 'offers-0000';
/** Agents in all: each is offered again and again. */
const AGENTS = 10_000;
const DRAINED_MS = 60_000;

/**
 * A master that does nothing but offer. Behind each event of offers it sends an update that asks for an acknowledgement:
 * how late that comes is how late a heartbeat would be noticed.
 * Emits `subscribed`, and `drained` when every offer was declined and every update acknowledged.
 */
export class OfferStorm extends EventEmitter<{ subscribed: []; drained: [] }> {
  readonly lags: number[] = [];
  sent = 0;
  declined = 0;
  declines = 0;
  subscriptions = 0;
  readonly #rate: number;
  readonly #eventSize: number;
  /** Encoded once: the scheduler is measured, not we. */
  readonly #events: Uint8Array[];
  /** When each update that is not acknowledged was sent. */
  readonly #probes = new Map<string, number>();
  #stream: EventStream<Uint8Array> | null = null;
  #endpoint: HttpEndpoint | null = null;

  constructor(rate: number, eventSize: number) {
    super();
    this.#rate = rate;
    this.#eventSize = eventSize;
    const offers = Array.from({ length: AGENTS }, (_, agent) => offerOf(agent));
    this.#events = Array.from({ length: AGENTS / eventSize }, (_, event) => {
      const some = offers.slice(event * eventSize, (event + 1) * eventSize);
      return encodeSchedulerEvent({ type: 'OFFERS', offers: { offers: some } });
    });
  }

  /** Returns `host:port`. */
  async start(): Promise<string> {
    const log = createLogger('mesos', 'warn');
    const handle = (request: Request): Answer | undefined => this.#answer(request);
    this.#endpoint = await serve({ ip: '127.0.0.1', port: 0, paths: ['/api/v1/scheduler'], handle, log });
    return `127.0.0.1:${this.#endpoint.port}`;
  }

  async stop(): Promise<void> {
    await this.#endpoint?.close();
  }

  /** Offers for so long, and waits until all is answered. */
  async blow(seconds: number): Promise<void> {
    const events = Math.ceil((this.#rate * seconds) / this.#eventSize);
    const begin = performance.now();
    for (let event = 0; event < events; event += 1) {
      await sleep(Math.max(0, begin + (event * this.#eventSize * 1000) / this.#rate - performance.now()));
      this.#stream?.send(this.#events[event % this.#events.length] ?? new Uint8Array());
      this.sent += this.#eventSize;
      this.#probe(`probe-${event}`);
    }
    if (!this.#isDrained) await once(this, 'drained', { signal: AbortSignal.timeout(DRAINED_MS) });
  }

  get #isDrained(): boolean {
    return this.declined >= this.sent && this.#probes.size === 0;
  }

  /** Of a task that nobody knows and that has ended: to be acknowledged and forgotten. */
  #probe(taskId: string): void {
    this.#probes.set(taskId, performance.now());
    const status = {
      taskId: { value: taskId },
      agentId: { value: 'agent-0' },
      state: 'TASK_FINISHED' as const,
      source: 'SOURCE_EXECUTOR' as const,
      uuid: new Uint8Array(16),
    };
    this.#stream?.send(encodeSchedulerEvent({ type: 'UPDATE', update: { status } }));
  }

  #answer(request: Request): Answer | undefined {
    const { call } = decodeSchedulerCall(request.body);
    if (call.type === 'SUBSCRIBE') {
      this.#subscribe(request);
      return undefined;
    }
    if (call.type !== 'UNKNOWN') this.#take(call);
    return { status: 202 };
  }

  #subscribe(request: Request): void {
    this.subscriptions += 1;
    this.#stream = request.openStream((event: Uint8Array) => event, {
      'Mesos-Stream-Id': `storm-${this.subscriptions}`,
    });
    const subscribed = { frameworkId: { value: FRAMEWORK }, heartbeatIntervalSeconds: HEARTBEAT_SECONDS };
    this.#stream.send(encodeSchedulerEvent({ type: 'SUBSCRIBED', subscribed }));
    this.emit('subscribed');
  }

  #take(call: SchedulerCall): void {
    if (call.type === 'DECLINE') {
      this.declines += 1;
      this.declined += call.decline.offerIds.length;
    } else if (call.type === 'ACKNOWLEDGE') {
      const taskId = call.acknowledge.taskId.value;
      this.lags.push(performance.now() - (this.#probes.get(taskId) ?? Number.NaN));
      this.#probes.delete(taskId);
    } else if (call.type === 'ACCEPT') {
      throw new Error('an offer was accepted that is too small');
    }
    if (this.#isDrained) this.emit('drained');
  }
}

/** As a real master writes one, of an agent with too little left for a node. */
function offerOf(agent: number): Offer {
  const role = '*';
  const hostname = `agent-${agent}.example.org`;
  const ip = `10.${Math.floor(agent / 65_536)}.${Math.floor(agent / 256) % 256}.${agent % 256}`;
  const scalar = (name: string, value: number) =>
    ({ name, type: 'SCALAR', scalar: { value }, allocationInfo: { role } }) as const;
  return {
    id: { value: `5f35e546-c306-43b3-b963-5e20afac0a7d-O${agent}` },
    frameworkId: { value: FRAMEWORK },
    agentId: { value: `686a69e7-bbef-49a5-bad4-109dce9992c2-S${agent}` },
    hostname,
    url: { scheme: 'http', address: { hostname, ip, port: 5051 }, path: '/slave(1)' },
    resources: [
      {
        name: 'ports',
        type: 'RANGES',
        ranges: {
          range: [
            { begin: 7000, end: 7000 },
            { begin: 9042, end: 9042 },
            { begin: 31_000, end: 32_000 },
          ],
        },
        allocationInfo: { role },
      },
      scalar('cpus', 0.4),
      scalar('mem', 8000),
      scalar('disk', 20_000),
    ],
    attributes: [
      { name: 'rack', type: 'TEXT', text: { value: `r${agent % 20}` } },
      { name: 'zone', type: 'TEXT', text: { value: `z${agent % 3}` } },
    ],
    executorIds: [],
    allocationInfo: { role },
  };
}
