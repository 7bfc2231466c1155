import type { CredentialPlaces } from '../credentials.ts';
import type { HttpAnswer } from '../http/exchange.ts';
import type { HttpRequest } from '../http/request-head.ts';
import { networkAgents, type NetworkAgents } from '../network.ts';
import { ShortRead } from '../objects/watch.ts';
import { GsError, gsError, hasStatus } from './gs-errors.ts';
import type { GsLocation } from './gs-location.ts';
import { findAccess, type GsAccess } from './gs-tokens.ts';

const GOOGLE = 'https://storage.googleapis.com';
const CONNECT_MS = 10_000;
const HASTY_CONNECT_MS = 2_000;
/** Of an answer that is no content: pages of a listing have some 100 kB. */
const LONGEST_ANSWER = 16 * 1024 * 1024;

export interface GsRequest extends Pick<HttpRequest, 'body' | 'signal' | 'into' | 'moved'> {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Encoded, with its query if it has one. */
  path: string;
  query?: Record<string, string | number>;
  headers?: Record<string, string>;
}

/** Requests to Google Cloud Storage's JSON interface, with a token, each of them once. */
export class GsClient {
  readonly #endpoint: string;
  readonly #connectMs: number;
  readonly #findAgents: () => Promise<NetworkAgents>;
  readonly #findAccess: () => Promise<GsAccess>;
  #agents: NetworkAgents | null = null;
  #access: Promise<GsAccess> | null = null;

  /** `patient`: it waits for a store that is far away. */
  constructor(location: GsLocation, places: CredentialPlaces, patient: boolean) {
    this.#endpoint = location.endpoint ?? GOOGLE;
    this.#connectMs = patient ? CONNECT_MS : HASTY_CONNECT_MS;
    this.#findAgents = () => networkAgents(location.network, places.env);
    this.#findAccess = () => findAccess(location, places);
  }

  /** The answer, whose body has to be read or destroyed. Throws GsError for one that is neither 2xx nor 308, which says that an upload goes on. */
  async send(request: GsRequest): Promise<HttpAnswer> {
    const access = await this.#currentAccess();
    const token = await access.token();
    try {
      return await this.#sendOnce(request, token);
    } catch (error) {
      if (token === null || !hasStatus(error, 401)) throw error;
      return await this.#sendOnce(request, await this.#otherToken(token));
    }
  }

  /** What the answer says. */
  async json<T>(request: GsRequest): Promise<T> {
    return readJson<T>(await this.send(request));
  }

  /** The project of the credentials; null where they tell none. */
  async project(): Promise<string | null> {
    return (await this.#currentAccess()).project();
  }

  #currentAccess(): Promise<GsAccess> {
    this.#access ??= this.#findAccess().catch((error: unknown) => {
      this.#access = null;
      throw error;
    });
    return this.#access;
  }

  /** The store does not take the token: the key was exchanged, or the token was taken back. Of those who find that out at once one looks up the credentials anew. */
  async #otherToken(refused: string): Promise<string | null> {
    const before = this.#access;
    const token = await (await this.#currentAccess()).token();
    if (token !== refused) return token;
    if (this.#access === before) this.#access = null;
    return (await this.#currentAccess()).token();
  }

  async #sendOnce(request: GsRequest, token: string | null): Promise<HttpAnswer> {
    this.#agents ??= await this.#findAgents();
    const answer = await this.#answer(request, token, this.#agents);
    const { status } = answer;
    if ((status >= 200 && status < 300) || status === 308) return answer;
    throw gsError(status, answer.headers, await readText(answer));
  }

  #answer(
    { method = 'GET', path, query = {}, headers = {}, body, signal, into, moved }: GsRequest,
    token: string | null,
    { client }: NetworkAgents,
  ): Promise<HttpAnswer> {
    const url = new URL(path, this.#endpoint);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    return client.request({
      method,
      url,
      headers: { ...headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      // What is sent says that it is empty where it is.
      body: method === 'GET' ? undefined : (body ?? []),
      connectMs: this.#connectMs,
      signal,
      into,
      moved,
    });
  }
}

/** Of an answer that has no content of an object. */
export async function readJson<T>(answer: HttpAnswer): Promise<T> {
  const text = await readText(answer);
  try {
    return JSON.parse(text) as T;
  } catch {
    // Its beginning is right: it was cut on its way.
    if (/^\s*(?:\{|$)/.test(text)) throw new ShortRead('the answer is only the beginning of one');
    throw new GsError(answer.status, { reason: 'unknownAnswer', message: 'the answer is no JSON' });
  }
}

async function readText(answer: HttpAnswer): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > LONGEST_ANSWER) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
