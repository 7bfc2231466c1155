// The HTTP that master and agent have in common: POST with protobuf, plain text errors, streams of RecordIO.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as timer } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import { messageOf, wrapError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { encodeRecord } from '../mesos/record-io.ts';

const PROTOBUF = 'application/x-protobuf';

/** What a request is answered with when it is not to become a stream; the texts are those of Mesos 1.12. */
export interface Answer {
  status: number;
  text?: string;
  headers?: Record<string, string>;
}

/** Reached its end well: the call is taken, what comes of it are events. */
export const ACCEPTED: Answer = { status: 202 };

export interface Request {
  body: Buffer;
  /** The header by which the caller proves who it is. */
  authorization: string | undefined;
  streamId: string | undefined;
  /** Answers 200 and keeps the connection for events. Call it once, and then return nothing. */
  openStream<Event>(encode: (event: Event) => Uint8Array, headers?: Record<string, string>): EventStream<Event>;
}

const LISTEN_TRIES = 50;
const LISTEN_AGAIN_MS = 100;

export interface HttpEndpoint {
  port: number;
  /** Ends every connection, streams as well: to the other side that is a process that died. */
  close(): Promise<void>;
}

interface ServeOptions {
  ip: string;
  port: number;
  paths: readonly string[];
  /** Asked before a request is looked at any closer; may answer it. */
  admit?: (request: { path: string; authorization: string | undefined }) => Answer | undefined;
  handle: (request: Request) => Answer | undefined;
  log: Logger;
}

/** Serves calls on `paths`. Rejects when the address cannot be bound. */
export async function serve(options: ServeOptions): Promise<HttpEndpoint> {
  const { ip, port, log } = options;
  const server = createServer((request, response) => {
    answer({ ...options, request, response }).catch((error: unknown) => {
      log.error({ err: error, path: request.url }, 'embedded mesos: request failed');
      if (response.headersSent) response.destroy();
      else send(response, { status: 500, text: messageOf(error) });
    });
  });
  await listen(server, ip, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A port that was ours before may be lent to somebody's connection for the moment: asked for again for a while. */
async function listen(server: Server, ip: string, port: number): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(port, ip, resolve);
      });
      return;
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!isTaken || port === 0 || tries === LISTEN_TRIES) throw wrapError(`listen on ${ip}:${port}`, error);
      await timer(LISTEN_AGAIN_MS);
    }
  }
}

interface Exchange extends Pick<ServeOptions, 'paths' | 'admit' | 'handle'> {
  request: IncomingMessage;
  response: ServerResponse;
}

async function answer({ request, response, paths, admit, handle }: Exchange): Promise<void> {
  const { url: path = '', headers } = request;
  const { authorization } = headers;
  const refused = paths.includes(path) ? (admit?.({ path, authorization }) ?? refusal(request)) : { status: 404 };
  if (refused) return send(response, refused);
  const body = await buffer(request);
  const streamId = headers['mesos-stream-id'];
  const reply = handle({
    body,
    authorization,
    streamId: typeof streamId === 'string' ? streamId : undefined,
    openStream: (encode, headers) => {
      response.writeHead(200, { 'Content-Type': PROTOBUF, ...headers });
      response.flushHeaders();
      return new EventStream(response, encode);
    },
  });
  if (reply) send(response, reply);
}

function refusal({ method, headers }: IncomingMessage): Answer | undefined {
  if (method !== 'POST') return { status: 405, text: `Expecting one of { 'POST' }, but received '${method}'` };
  const contentType = headers['content-type'];
  if (contentType === undefined) return { status: 400, text: "Expecting 'Content-Type' to be present" };
  if (contentType !== PROTOBUF) {
    return { status: 415, text: "Expecting 'Content-Type' of application/json or application/x-protobuf" };
  }
  // Mesos asks that of SUBSCRIBE alone; a client that wants no protobuf gets nothing to read either way.
  const accepts = (headers.accept ?? PROTOBUF).split(',').map((type) => type.split(';')[0]?.trim());
  if (!accepts.some((type) => type === PROTOBUF || type === 'application/*' || type === '*/*')) {
    return { status: 406, text: "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'" };
  }
  return undefined;
}

function send(response: ServerResponse, { status, text = '', headers = {} }: Answer): void {
  const type = text === '' ? {} : { 'Content-Type': 'text/plain; charset=utf-8' };
  response.writeHead(status, { ...headers, ...type, 'Content-Length': Buffer.byteLength(text) }).end(text);
}

/** The events to one subscriber. */
export class EventStream<Event> {
  readonly #response: ServerResponse;
  readonly #encode: (event: Event) => Uint8Array;

  constructor(response: ServerResponse, encode: (event: Event) => Uint8Array) {
    this.#response = response;
    this.#encode = encode;
    // A subscriber that went away shows as 'close'; the write that noticed it first is no error of ours.
    response.on('error', () => response.destroy());
  }

  /** Does nothing once the subscriber is gone: what must arrive is sent again on its next stream. */
  send(event: Event): void {
    if (!this.#response.writableEnded && !this.#response.destroyed) {
      this.#response.write(encodeRecord(this.#encode(event)));
    }
  }

  /** Ends it in order, after all that was sent. */
  end(): void {
    this.#response.end();
  }

  /** Calls `act` once the stream has ended, from whichever side. */
  onClose(act: () => void): void {
    this.#response.once('close', act);
  }
}
