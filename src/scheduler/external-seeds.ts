import { pause, type Clock } from '../clock.ts';
import { messageOf, OperatorError } from '../errors.ts';
import type { Logger } from '../log.ts';

/** The forerunner's interval. */
const POLL_MS = 60_000;
const ANSWER_MS = 10_000;

export interface ExternalDc {
  name: string;
  /** Of that datacenter's scheduler. */
  url: string;
}

/**
 * Seeds of the same cluster's other datacenters, asked of their schedulers once a minute (`/node/seed/all`). What was
 * heard last stays when one does not answer: nodes that are started then still find the others.
 */
export class ExternalSeeds {
  readonly #dcs: ExternalDc[];
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #seeds = new Map<string, string[]>();

  constructor(dcs: ExternalDc[], clock: Clock, log: Logger) {
    this.#dcs = dcs;
    this.#clock = clock;
    this.#log = log;
  }

  /** Addresses of all that are known. */
  get seeds(): string[] {
    return [...this.#seeds.values()].flat();
  }

  /** Asks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (this.#dcs.length > 0 && !signal.aborted) {
      await Promise.all(this.#dcs.map((dc) => this.#ask(dc, signal)));
      await pause(this.#clock, POLL_MS, signal);
    }
  }

  async #ask({ name, url }: ExternalDc, signal: AbortSignal): Promise<void> {
    try {
      const either = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
      const answer = await fetch(new URL('/node/seed/all', url), { signal: either });
      this.#seeds.set(name, seedsOf(await answer.json()));
    } catch (error) {
      if (signal.aborted) return;
      this.#log.warn(
        { datacenter: name, url, reason: messageOf(error) },
        'the other datacenter did not tell its seeds',
      );
    }
  }
}

function seedsOf(answer: unknown): string[] {
  const seeds = (answer as { seeds?: unknown } | null)?.seeds;
  if (Array.isArray(seeds) && seeds.every((seed) => typeof seed === 'string')) return seeds;
  throw new OperatorError('BAD_REQUEST', 'Expected {"seeds":[…]} with addresses, got another answer');
}
