import { OperatorError } from '../../errors.ts';
import type { HttpAnswer } from '../http/exchange.ts';
import type { ObjectPart, ObjectStore, ObjectUpload } from '../objects/object-store.ts';
import { combineCrc32c } from '../crc32-combine.ts';
import { crc32c, crc32cText } from '../crc32c.ts';
import { readJson, type GsClient } from './gs-client.ts';
import { GsError, hasStatus, isAltered, isRefusal } from './gs-errors.ts';
import {
  checkMade,
  isWhatWasSent,
  objectPath,
  objectsPath,
  type GsObject,
  type GsPlace,
  type Sent,
} from './gs-object.ts';
import type { KeptSession, Session } from './kept-session.ts';

/** Google keeps of an unfinished object only multiples of this. */
const UNIT = 256 * 1024;

/** How an object is kept. */
export interface Written {
  about: { storageClass?: string };
  /** Of Cloud KMS. */
  key: string | null;
}

/** Of a request. */
export function jsonBody(value: object): { headers: Record<string, string>; body: Buffer[] } {
  return { headers: { 'content-type': 'application/json' }, body: [Buffer.from(JSON.stringify(value))] };
}

/** Begins a resumable session, or goes on with the one that is kept: one that is given up ends by itself after a week. */
export async function beginGsUpload(
  client: GsClient,
  { place, written, kept }: { place: GsPlace; written: Written; kept: KeptSession },
  { partBytes, firstCrc32, signal }: Parameters<ObjectStore['beginUpload']>[1],
): Promise<ObjectUpload> {
  const found = await kept.find();
  if (found?.partBytes === partBytes && found.firstCrc32 === firstCrc32) {
    const there = await bytesThere(client, found, signal);
    if (there !== null) return new GsUpload(client, place, { path: found.path, there, kept });
  }
  const path = await beginSession(client, { place, written }, signal);
  await kept.keep({ path, partBytes, firstCrc32 });
  return new GsUpload(client, place, { path, there: 0, kept });
}

async function beginSession(
  client: GsClient,
  { place, written }: { place: GsPlace; written: Written },
  signal: AbortSignal,
): Promise<string> {
  const { headers, body } = jsonBody({ name: place.name, contentType: 'application/octet-stream', ...written.about });
  const answer = await client.send({
    method: 'POST',
    path: `/upload${objectsPath(place.bucket)}`,
    query: { uploadType: 'resumable', ...(written.key !== null && { kmsKeyName: written.key }) },
    headers: { ...headers, 'x-upload-content-type': 'application/octet-stream' },
    body,
    signal,
  });
  answer.body.resume();
  const { location = '' } = answer.headers;
  if (!URL.canParse(location)) {
    throw new GsError(answer.status, { reason: 'unknownAnswer', message: 'the answer names no session' });
  }
  // Under the endpoint that was told: the store may know itself by a name that is not reached from here.
  const { pathname, search } = new URL(location);
  return pathname + search;
}

/** Bytes that the store has of a session. Null where it is over: forgotten, given up, or its object is made. */
async function bytesThere(client: GsClient, { path }: Session, signal: AbortSignal): Promise<number | null> {
  try {
    const answer = await client.send({ method: 'PUT', path, headers: { 'content-range': 'bytes */*' }, signal });
    answer.body.resume();
    return answer.status === 308 ? bytesIn(answer) : null;
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
}

/** Of an answer that says that the session goes on. */
function bytesIn({ headers: { range = '' } }: Pick<HttpAnswer, 'headers'>): number {
  return Number(/-(\d+)$/.exec(range)?.[1] ?? -1) + 1;
}

/**
 * Parts come in their order, each once more after a failure, as from Google's own client for Go: of bytes that are there already the store takes no
 * notice. The last ones are kept until `complete`, since with them the object is visible.
 */
class GsUpload implements ObjectUpload {
  readonly #client: GsClient;
  readonly #place: GsPlace;
  /** Whoever knows it may write: it is told nobody. */
  readonly #session: string;
  readonly #kept: KeptSession;
  /** An earlier try has begun it, perhaps with another file. */
  readonly #isResumed: boolean;
  /** Bytes that the store has said to have. */
  #there: number;
  /** Bytes that were read, and their checksum. */
  #read = 0;
  #crc32c = 0;
  #last: Buffer = Buffer.alloc(0);

  constructor(client: GsClient, place: GsPlace, session: { path: string; there: number; kept: KeptSession }) {
    this.#client = client;
    this.#place = place;
    this.#session = session.path;
    this.#kept = session.kept;
    this.#isResumed = session.there > 0;
    this.#there = session.there;
  }

  /** All parts are to be given: what is not sent is a part of the checksum. */
  holds(): boolean {
    return false;
  }

  lacks({ begin, bytes }: { begin: number; bytes: number }): number {
    return Math.min(bytes, Math.max(0, begin + bytes - this.#there));
  }

  async send({ begin, body, isLast, crc32c: sum = crc32c(body) }: ObjectPart, signal: AbortSignal): Promise<void> {
    if (begin === this.#read) {
      this.#crc32c = combineCrc32c(this.#crc32c, sum, body.length);
      this.#read += body.length;
    }
    const kept = isLast ? body.length % UNIT || UNIT : 0;
    // A copy: the part's memory is given back.
    if (isLast) this.#last = Buffer.from(body.subarray(-kept));
    const end = begin + body.length - kept;
    try {
      await this.#bring(body.subarray(0, body.length - kept), begin, { signal });
      if (isLast && this.#there > end) throw new Useless(`of ${end} bytes the store has ${this.#there}`);
    } catch (error) {
      throw await this.#explained(error);
    }
  }

  async complete(signal?: AbortSignal): Promise<void> {
    const sent = { size: this.#read, crc32c: crc32cText(this.#crc32c) };
    try {
      const ending = { total: sent.size, crc32c: sent.crc32c, signal };
      const made = await this.#bring(this.#last, sent.size - this.#last.length, ending);
      if (made === null) throw stuck('the store has all bytes, and has not made the object');
      await checkMade(this.#client, this.#place, made, sent);
    } catch (error) {
      // It ended with an earlier try, whose answer was lost, or without one.
      if (!isGone(error) || !(await this.#isThere(sent, signal))) throw await this.#explained(error);
    }
    await this.#kept.forget();
  }

  async abort(): Promise<void> {
    await this.#kept.forget();
    try {
      (await this.#client.send({ method: 'DELETE', path: this.#session })).body.resume();
    } catch (error) {
      // Google's answer to it is 499; what else the store refuses it ends by itself.
      if (!(error instanceof GsError) || error.status >= 500) throw error;
    }
  }

  /** Sends what of these bytes is not there yet. The object, where these are its last bytes. */
  async #bring(body: Buffer, begin: number, how: Ending): Promise<GsObject | null> {
    const end = begin + body.length;
    while (this.#there < end) {
      const from = this.#there;
      if (from < begin) throw new Useless(`of ${begin} bytes the store has kept ${from}`);
      const answer = await this.#put(body.subarray(from - begin), from, how);
      if (answer.status !== 308) return await readJson<GsObject>(answer);
      answer.body.resume();
      this.#there = bytesIn(answer);
      if (this.#there === from) throw stuck(`the store has taken none of ${end - from} bytes`);
      if (this.#there > end) throw new Useless(`of ${end} bytes the store has ${this.#there}`);
    }
    return null;
  }

  #put(body: Buffer, from: number, { total, crc32c: sum, signal }: Ending): ReturnType<GsClient['send']> {
    const range = `bytes ${from}-${from + body.length - 1}/${total ?? '*'}`;
    const hash = sum === undefined ? {} : { 'x-goog-hash': `crc32c=${sum}` };
    return this.#client.send({
      method: 'PUT',
      path: this.#session,
      headers: { 'content-range': range, 'content-type': 'application/octet-stream', ...hash },
      body: [body],
      signal,
    });
  }

  async #isThere(sent: Sent, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      return isWhatWasSent(await this.#client.json<GsObject>({ path: objectPath(this.#place), signal }), sent);
    } catch (error) {
      if (isGone(error)) return false;
      throw error;
    }
  }

  /** A session that leads nowhere is given up, so that the next try begins anew. */
  async #explained(error: unknown): Promise<unknown> {
    const isOther = this.#isResumed && isAltered(error);
    if (isOther || error instanceof Useless) await this.abort();
    else if (isGone(error) || error instanceof OperatorError) await this.#kept.forget();
    else return error;
    if (error instanceof OperatorError) return error;
    const said = isOther ? 'what an earlier try has brought is of other content' : 'its session has ended';
    return this.#lost(error instanceof Useless ? error.message : said, error);
  }

  #lost(said: string, cause?: unknown): OperatorError {
    return new OperatorError('STORAGE_UNAVAILABLE', `storing gs://${this.#place.bucket}/${this.#place.name}: ${said}`, {
      cause,
      hint: 'The next try sends the file again, from its beginning.',
    });
  }
}

/** What the store has is not the beginning of what is sent. */
class Useless extends Error {}

/** There is no such session, or object, any more; 499: it was given up. */
function isGone(error: unknown): boolean {
  return hasStatus(error, 404, 410, 499);
}

/** With the last bytes: how many there are in all, and their checksum, which the store checks. */
interface Ending {
  total?: number;
  crc32c?: string;
  signal?: AbortSignal | undefined;
}

/** To be tried again. */
function stuck(message: string): GsError {
  return new GsError(503, { reason: 'noProgress', message });
}
