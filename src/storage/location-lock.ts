import { z } from 'zod';
import { OperatorError } from '../errors.ts';
import type { JobType, PhaseName } from '../model/phase.ts';
import { lockPrefix } from './layout.ts';
import type { Storage } from './storage.ts';
import { storeNow } from './store-clock.ts';

/** Who works at a location. */
export interface LockHolder {
  /** Id of the scheduler: another one with the same cluster name knows nothing of this one's jobs. */
  scheduler: string;
  jobUuid: string;
  jobId: number;
  jobType: JobType;
  hostname: string;
  /** Epoch ms by the host's clock, for people only. */
  since: number;
}

const documentSchema = z.object({
  version: z.literal(1),
  scheduler: z.string(),
  jobUuid: z.string(),
  jobId: z.number(),
  jobType: z.custom<JobType>((value) => typeof value === 'string'),
  hostname: z.string(),
  since: z.number(),
  /** Counts the signs of life. */
  renewals: z.number(),
  /** Phases of the job that are done at this very place, and by which node. */
  finished: z.record(z.string(), z.string()),
  released: z.boolean(),
});
type LockDocument = z.infer<typeof documentSchema>;

/** A lock without a sign of life for so long is nobody's. */
const STALE_MS = 60 * 60 * 1000;

/** Who is overtaken so often stands in a crowd. */
const MOST_TRIES = 10;

type Place = Pick<Storage, 'url' | 'createDocument' | 'putDocument' | 'getDocument' | 'delete' | 'list'>;

/**
 * Keeps a cluster's folder at a location to the jobs of one scheduler. The steps of one job share it; another job of the same scheduler takes it
 * over at once, because the one before is over; another scheduler only when it was released or shows no sign of life for an hour by the clock
 * of the store. It is a document with a number; the one with the highest number is the lock. To take it over is to create the next
 * number, which one alone can do, so that nobody ever deletes what another has just made.
 */
export class LocationLock {
  readonly #storage: Place;
  readonly #prefix: string;
  readonly #number: number;
  readonly #holder: LockHolder;

  private constructor(storage: Place, prefix: string, number: number, holder: LockHolder) {
    this.#storage = storage;
    this.#prefix = prefix;
    this.#number = number;
    this.#holder = holder;
  }

  /** Throws LOCATION_LOCKED when another scheduler has it. */
  static async take(storage: Place, cluster: string, holder: LockHolder): Promise<LocationLock> {
    const prefix = lockPrefix(cluster);
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const current = await highest(storage, prefix);
      const document = current && (await read(storage, current.key));
      if (current && document && isSameJob(document, holder)) {
        const lock = new LocationLock(storage, prefix, current.number, holder);
        await lock.#write({ released: false });
        if (await lock.#isMine()) return lock;
        continue;
      }
      const isFree = async (): Promise<boolean> => !current || mayTake(storage, cluster, current.number, holder);
      if (current && !(await isFree())) throw lockedError(storage, current.key, document);
      const lock = new LocationLock(storage, prefix, (current?.number ?? 0) + 1, holder);
      if (await lock.#create(isFree)) return lock;
    }
    throw new OperatorError('LOCATION_LOCKED', `others kept taking the lock of ${storage.url}`, {
      hint: ONE_SCHEDULER,
    });
  }

  /** A sign of life. Throws LOCATION_LOCKED when it is not this job's any more. */
  async renew(): Promise<void> {
    if (await this.#isMine()) {
      await this.#write({});
      if (await this.#isMine()) return;
    }
    throw await this.#lostError();
  }

  /** The node that has done this phase of the job here; null when none has. */
  async finishedBy(phase: PhaseName): Promise<string | null> {
    return (await read(this.#storage, this.#key))?.finished[phase] ?? null;
  }

  /** Notes that nothing of this phase is left to be done here. */
  async finish(phase: PhaseName, executorId: string): Promise<void> {
    const before = await read(this.#storage, this.#key);
    await this.#write({ finished: { ...before?.finished, [phase]: executorId } });
  }

  /** Lets others in. What was finished stays known to the job's other steps, as long as nobody comes in between. */
  async release(): Promise<void> {
    if (await this.#isMine()) await this.#write({ released: true });
  }

  get #key(): string {
    return keyOf(this.#prefix, this.#number);
  }

  /**
   * False when another was faster. Each writes what is its own and then looks at the other's: of a holder that comes back and one that takes over
   * at the same time at least one sees the other, and gives way.
   */
  async #create(isStillFree: () => Promise<boolean>): Promise<boolean> {
    if (!(await this.#storage.createDocument(this.#key, stringify(fresh(this.#holder))))) return false;
    // Not the highest: the number was free because those who went on from it have cleaned up behind them.
    if (!(await this.#isMine()) || !(await isStillFree())) {
      await this.#storage.delete(this.#key);
      return false;
    }
    for await (const { number, key } of locks(this.#storage, this.#prefix)) {
      if (number < this.#number) await this.#storage.delete(key);
    }
    return true;
  }

  async #isMine(): Promise<boolean> {
    return (await highest(this.#storage, this.#prefix))?.number === this.#number;
  }

  async #write(change: Partial<LockDocument>): Promise<void> {
    const before = (await read(this.#storage, this.#key)) ?? fresh(this.#holder);
    const { since, renewals, finished, released } = before;
    const document = { ...fresh(this.#holder), since, renewals: renewals + 1, finished, released, ...change };
    await this.#storage.putDocument(this.#key, stringify(document));
  }

  async #lostError(): Promise<OperatorError> {
    const current = await highest(this.#storage, this.#prefix);
    if (current) return lockedError(this.#storage, current.key, await read(this.#storage, current.key));
    return new OperatorError('LOCATION_LOCKED', `the lock of ${this.#storage.url} was deleted while a job held it`, {
      hint: 'Start the job again, unless another scheduler works there now.',
    });
  }
}

interface Found {
  number: number;
  key: string;
  modified: number;
}

async function* locks(storage: Place, prefix: string): AsyncGenerator<Found> {
  for await (const { key, modified } of storage.list(prefix)) {
    const number = /^(\d{1,15})\.json$/.exec(key.slice(prefix.length))?.[1];
    if (number !== undefined) yield { number: Number(number), key, modified };
  }
}

async function highest(storage: Place, prefix: string): Promise<Found | null> {
  let found: Found | null = null;
  for await (const lock of locks(storage, prefix)) if (lock.number > (found?.number ?? 0)) found = lock;
  return found;
}

function isSameJob(document: LockDocument, holder: LockHolder): boolean {
  return document.scheduler === holder.scheduler && document.jobUuid === holder.jobUuid;
}

/** Whether a lock may be taken over, as it is now. One that has gone may. */
async function mayTake(storage: Place, cluster: string, number: number, { scheduler }: LockHolder): Promise<boolean> {
  const prefix = lockPrefix(cluster);
  for await (const lock of locks(storage, prefix)) {
    if (lock.number !== number) continue;
    const document = await read(storage, lock.key);
    if (document?.released === true || document?.scheduler === scheduler) return true;
    return (await storeNow(storage, cluster)) - lock.modified >= STALE_MS;
  }
  return true;
}

/** Null when it has gone or cannot be read: whose it is nobody knows then. */
async function read(storage: Place, key: string): Promise<LockDocument | null> {
  const text = await storage.getDocument(key);
  if (text === null) return null;
  try {
    return documentSchema.parse(JSON.parse(text));
  } catch {
    // Held by nobody knows whom, until it is an hour old.
    return null;
  }
}

function keyOf(prefix: string, number: number): string {
  return `${prefix}${number}.json`;
}

function fresh(holder: LockHolder): LockDocument {
  return { version: 1, ...holder, renewals: 0, finished: {}, released: false };
}

function stringify(document: LockDocument): string {
  return `${JSON.stringify(document, null, 1)}\n`;
}

const ONE_SCHEDULER = 'Let only one scheduler with this cluster name work at a location.';

/** A step's error is read without its hint: what to do is in the message too. */
function lockedError({ url }: Place, key: string, document: LockDocument | null): OperatorError {
  const who =
    document === null
      ? 'a lock that cannot be read'
      : `job ${document.jobId} (${document.jobType}) of another scheduler, ${document.scheduler}, from ${document.hostname}, since ${new Date(document.since).toISOString()}`;
  const wayOut = `if nobody works there any more, delete ${key} at the location, or wait until its last sign of life is an hour old`;
  return new OperatorError('LOCATION_LOCKED', `expected ${url} to be free, but it is kept by ${who}; ${wayOut}`, {
    hint: `${ONE_SCHEDULER} Wait until that job has ended.`,
    ...(document === null ? {} : { details: { scheduler: document.scheduler, job: document.jobId } }),
  });
}
