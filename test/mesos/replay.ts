// Plays a recorded scheduler again: its calls go to another master with that one's ids in them, and what comes of them
// is compared with what the recorded master said, but for ids, times and ports.
import { isDeepStrictEqual } from 'node:util';
import type { ExecutionContext } from 'ava';
import { decodeSchedulerCall, decodeSchedulerEvent } from '../../src/mesos/messages.ts';
import type { Offer, SchedulerCall, SchedulerEvent, TaskInfo } from '../../src/mesos/types.ts';
import { testExecutor, type TestScheduler } from './helpers/scheduler.ts';
import { bodyBytes, messageBytes, type Line } from './recorded.ts';

const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-(?:\d{4}|[SO]\d+)/g;

/** Said by the test executor and the clock, not by Mesos. */
const NOT_COMPARED = new Set(['HEARTBEAT', 'MESSAGE']);

export class Replay {
  readonly #t: ExecutionContext;
  #scheduler: TestScheduler;
  /** What was recorded, with what it is here: ids, and uuids in base64. */
  readonly #here = new Map<string, string>();

  constructor(t: ExecutionContext, scheduler: TestScheduler) {
    this.#t = t;
    this.#scheduler = scheduler;
  }

  /** The scheduler is another one from now on. */
  takeOver(scheduler: TestScheduler): void {
    this.#scheduler = scheduler;
  }

  /** Events and calls one after the other. Calls that were written down after what came of them are sent before it. */
  async run(lines: readonly Line[], late: readonly number[] = []): Promise<void> {
    for (const [index, line] of lines.entries()) {
      const next = lines[index + 1];
      if (next && late.includes(next.n)) await this.send(next);
      if (line.kind === 'stream-event') await this.expect(line);
      else if (line.kind === 'call' && !late.includes(line.n)) await this.send(line);
    }
  }

  /** The recorded event comes. Among those of different tasks there is no order, within a task they follow acknowledgements. */
  async expect(line: Line): Promise<void> {
    const recorded = inOrder(decodeSchedulerEvent(messageBytes(line)) as SchedulerEvent);
    if (NOT_COMPARED.has(recorded.type)) return;
    const wanted = comparable(recorded);
    const fits = (event: SchedulerEvent) => isDeepStrictEqual(comparable(inOrder(event)), wanted);
    const where = `line ${line.n}: ${JSON.stringify(wanted)}`;
    const event = await (recorded.type === 'OFFERS' ? this.#offers(fits, where) : this.#scheduler.nextOf(fits, where));
    this.#learn(recorded, inOrder(event));
    this.#t.pass();
  }

  /** The call is answered as it was. */
  async send({ n, request, response }: Line): Promise<void> {
    const { call } = decodeSchedulerCall(bodyBytes({ request } as Line));
    const { status, text } = await this.#scheduler.call(this.#translate(call) as SchedulerCall);
    this.#t.deepEqual({ status, text }, { status: response?.status, text: response?.body ?? '' }, `line ${n}`);
  }

  /** What became free sooner or later than in the recording is given back, and comes again as a whole. */
  async #offers(fits: (event: SchedulerEvent) => boolean, where: string): Promise<SchedulerEvent> {
    for (;;) {
      const event = await this.#scheduler.nextOf(({ type }) => type === 'OFFERS', where);
      if (event.type !== 'OFFERS' || fits(event)) return event;
      const offerIds = event.offers.offers.map(({ id }) => id);
      await this.#scheduler.call({ type: 'DECLINE', decline: { offerIds, filters: { refuseSeconds: 0 } } });
    }
  }

  #learn(recorded: unknown, here: unknown): void {
    if (typeof recorded === 'string' && recorded.replace(ID, '') === '') this.#here.set(recorded, String(here));
    else if (recorded instanceof Uint8Array) this.#here.set(base64(recorded), base64(here as Uint8Array));
    else if (typeof recorded === 'object' && recorded !== null) {
      for (const [key, value] of Object.entries(recorded)) this.#learn(value, (here as Record<string, unknown>)[key]);
    }
  }

  #translate(value: unknown): unknown {
    if (typeof value === 'string') return this.#here.get(value) ?? value;
    if (value instanceof Uint8Array) {
      const known = this.#here.get(base64(value));
      return known === undefined ? value : Buffer.from(known, 'base64');
    }
    if (Array.isArray(value)) return value.map((item) => this.#translate(item));
    if (typeof value !== 'object' || value === null) return value;
    const translated = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#translate(item)]));
    return 'taskId' in value && 'executor' in value ? withTestExecutor(translated as unknown as TaskInfo) : translated;
  }
}

/** The recording's own executor is not here; commands that were not the same are not the same now. */
function withTestExecutor({ executor, ...task }: TaskInfo): TaskInfo {
  if (!executor) return task;
  const value = `${testExecutor('any').command?.value} # ${executor.command?.value}`;
  return { ...task, executor: { ...executor, command: { value } } };
}

/** Which agent is named first is chance. */
function inOrder(event: SchedulerEvent): SchedulerEvent {
  if (event.type !== 'OFFERS') return event;
  return { ...event, offers: { offers: event.offers.offers.toSorted(byHostname) } };
}

function byHostname(a: Offer, b: Offer): number {
  return a.hostname < b.hostname ? -1 : 1;
}

function comparable(event: SchedulerEvent): unknown {
  return JSON.parse(
    JSON.stringify(event, (key, value: unknown) => {
      if (key === 'uuid' || key === 'timestamp') return 'given';
      if (key === 'port') return 0;
      if (key === 'id' && typeof value === 'string') return 'id';
      if (typeof value !== 'string') return value;
      return key === 'pid' ? value.replace(/:\d+$/, ':0') : value.replace(ID, 'id');
    }),
  );
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
