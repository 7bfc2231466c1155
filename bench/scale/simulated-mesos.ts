import { EventEmitter } from 'node:events';
import { serve, type EventStream, type HttpEndpoint, type Request, type Answer } from '../../src/local/http.ts';
import { createLogger } from '../../src/log.ts';
import { decodeSchedulerCall, encodeSchedulerEvent } from '../../src/mesos/messages.ts';
import type { Filters, Id, SchedulerCall, SchedulerEvent, TaskStatus } from '../../src/mesos/types.ts';
import { SimulatedAgent, type Timing } from './simulated-agent.ts';

const HEARTBEAT_SECONDS = 15;
const ALLOCATION_MS = 1_000;
const FRAMEWORK = 'scale-0000';
const PATHS = ['/api/v1/scheduler'];

interface Standing {
  agent: SimulatedAgent;
  offerId: string | null;
  /** Epoch ms until when the scheduler does not want to see it. */
  refusedUntil: number;
}

/**
 * A master with the scheduler's real wire and agents that only exist in it. The embedded Mesos keeps account of resources
 * as Mesos does, which for thousands of agents costs more than the scheduler that is measured; here an agent has room for
 * one node and its steps, and its offer is all of it that is free.
 * Emits `normal` (how many servers run), `step` (a step was launched), both as their words reach the master.
 */
export class SimulatedMesos extends EventEmitter<{ normal: [count: number]; step: [taskId: string] }> {
  readonly #standings: Standing[];
  readonly #byId: Map<string, Standing>;
  readonly #byOffer = new Map<string, Standing>();
  readonly #normal = new Set<string>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly calls: Record<string, number> = {};
  offersSent = 0;
  #stream: EventStream<SchedulerEvent> | null = null;
  #endpoint: HttpEndpoint | null = null;
  #suppressed = false;
  #offers = 0;
  #streams = 0;
  #allocationIsDue = false;

  constructor(agents: number, timing: Timing) {
    super();
    const events = {
      update: (status: TaskStatus) => this.#send({ type: 'UPDATE', update: { status } }),
      message: (agentId: string, executorId: string, data: Uint8Array) =>
        this.#send({
          type: 'MESSAGE',
          message: { agentId: { value: agentId }, executorId: { value: executorId }, data },
        }),
      freed: () => this.#allocateSoon(),
    };
    this.#standings = Array.from({ length: agents }, (_, number) => ({
      agent: new SimulatedAgent(number, timing, events),
      offerId: null,
      refusedUntil: 0,
    }));
    this.#byId = new Map(this.#standings.map((standing) => [standing.agent.id, standing]));
  }

  /** Returns `host:port`. */
  async start(): Promise<string> {
    const log = createLogger('mesos', 'warn');
    const handle = (request: Request): Answer | undefined => this.#answer(request);
    this.#endpoint = await serve({ ip: '127.0.0.1', port: 0, paths: PATHS, handle, log });
    this.#timers.push(
      setInterval(() => this.#send({ type: 'HEARTBEAT' }), HEARTBEAT_SECONDS * 1000),
      setInterval(() => this.#allocateSoon(), ALLOCATION_MS),
    );
    return `127.0.0.1:${this.#endpoint.port}`;
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const { agent } of this.#standings) agent.stop();
    await this.#endpoint?.close();
  }

  #send(event: SchedulerEvent): void {
    this.#stream?.send(event);
  }

  #answer(request: Request): Answer | undefined {
    const { call } = decodeSchedulerCall(request.body);
    this.calls[call.type] = (this.calls[call.type] ?? 0) + 1;
    if (call.type === 'SUBSCRIBE') this.#subscribe(request);
    else if (call.type === 'UNKNOWN') return { status: 501 };
    else {
      this.#call(call);
      return { status: 202 };
    }
    return undefined;
  }

  #subscribe(request: Request): void {
    this.#streams += 1;
    const stream = request.openStream(encodeSchedulerEvent, { 'Mesos-Stream-Id': `stream-${this.#streams}` });
    this.#stream = stream;
    stream.onClose(() => {
      if (this.#stream === stream) this.#stream = null;
    });
    this.#suppressed = false;
    this.#byOffer.clear();
    for (const standing of this.#standings) Object.assign(standing, { offerId: null, refusedUntil: 0 });
    const subscribed = { frameworkId: { value: FRAMEWORK }, heartbeatIntervalSeconds: HEARTBEAT_SECONDS };
    this.#send({ type: 'SUBSCRIBED', subscribed });
    for (const { agent } of this.#standings) agent.resend();
    this.#allocateSoon();
  }

  #call(call: Exclude<SchedulerCall, { type: 'SUBSCRIBE' }>): void {
    switch (call.type) {
      case 'ACCEPT':
        return this.#accept(call.accept);
      case 'DECLINE':
        return void this.#take(call.decline.offerIds, call.decline.filters);
      case 'REVIVE':
        this.#suppressed = false;
        for (const standing of this.#standings) standing.refusedUntil = 0;
        return this.#allocateSoon();
      case 'SUPPRESS':
        this.#suppressed = true;
        return;
      case 'ACKNOWLEDGE':
        return this.#acknowledge(call.acknowledge);
      case 'KILL':
        for (const { agent } of this.#standings) agent.kill(call.kill.taskId.value);
        return;
      case 'RECONCILE':
        return this.#reconcile(call.reconcile.tasks);
      default:
        throw new Error(`the simulated master knows no ${call.type}`);
    }
  }

  #accept({ offerIds, operations, filters }: Extract<SchedulerCall, { type: 'ACCEPT' }>['accept']): void {
    const [standing] = this.#take(offerIds, filters);
    if (!standing) throw new Error(`offer ${offerIds[0]?.value} is not open`);
    for (const operation of operations) {
      if (operation.type !== 'LAUNCH') throw new Error(`the simulated master knows no ${operation.type}`);
      for (const info of operation.launch.taskInfos) {
        if (standing.agent.launch(info) === 'step') this.emit('step', info.taskId.value);
      }
    }
  }

  /** The offers are used up; what is left of them is not wanted for a while. */
  #take(offerIds: Id[], filters: Filters | undefined): Standing[] {
    return offerIds.flatMap(({ value }) => {
      const standing = this.#byOffer.get(value);
      if (!standing) return [];
      this.#byOffer.delete(value);
      standing.offerId = null;
      standing.refusedUntil = Date.now() + (filters?.refuseSeconds ?? 5) * 1000;
      return [standing];
    });
  }

  #acknowledge({ agentId, taskId, uuid }: Extract<SchedulerCall, { type: 'ACKNOWLEDGE' }>['acknowledge']): void {
    const task = this.#byId.get(agentId.value)?.agent.acknowledge(taskId.value, uuid);
    if (task?.kind !== 'server' || task.last.state !== 'TASK_RUNNING' || task.updates.length > 0) return;
    this.#normal.add(taskId.value);
    this.emit('normal', this.#normal.size);
  }

  #reconcile(tasks: { taskId: Id; agentId?: Id }[]): void {
    const wanted = new Set(tasks.map(({ taskId }) => taskId.value));
    for (const { agent } of this.#standings) {
      for (const [taskId, { last }] of agent.tasks) {
        if (wanted.size > 0 && !wanted.has(taskId)) continue;
        const { taskId: id, state, agentId, executorId } = last;
        const where = { ...(agentId ? { agentId } : {}), ...(executorId ? { executorId } : {}) };
        const said = { source: 'SOURCE_MASTER', reason: 'REASON_RECONCILIATION' } as const;
        this.#send({ type: 'UPDATE', update: { status: { taskId: id, state, ...where, ...said } } });
      }
    }
  }

  #allocateSoon(): void {
    if (this.#allocationIsDue) return;
    this.#allocationIsDue = true;
    setImmediate(() => {
      this.#allocationIsDue = false;
      this.#allocate();
    });
  }

  /** As Mesos: one event with the offers of all agents that the framework may have. */
  #allocate(): void {
    if (this.#suppressed || !this.#stream) return;
    const now = Date.now();
    const offers = this.#standings
      .filter(({ offerId, refusedUntil }) => offerId === null && refusedUntil <= now)
      .map((standing) => {
        this.#offers += 1;
        standing.offerId = `O${this.#offers}`;
        this.#byOffer.set(standing.offerId, standing);
        return standing.agent.offer(standing.offerId, FRAMEWORK);
      });
    this.offersSent += offers.length;
    if (offers.length > 0) this.#send({ type: 'OFFERS', offers: { offers } });
  }
}
