import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import type { ExecutionContext } from 'ava';

export interface ServerSentEvent {
  event: string;
  id: string;
  data: any; // eslint-disable-line typescript/no-explicit-any
}

/** An EventSource that reads when it is asked to. */
export class EventStream {
  readonly response: IncomingMessage;
  readonly comments: string[] = [];
  readonly #chunks: AsyncIterator<string>;
  #text = '';

  constructor(response: IncomingMessage) {
    this.response = response.setEncoding('utf8');
    this.#chunks = (this.response as AsyncIterable<string>)[Symbol.asyncIterator]();
  }

  /** The next event; null when the server has closed the stream. */
  async next(): Promise<ServerSentEvent | null> {
    for (;;) {
      const block = await this.block();
      if (block === null) return null;
      if (!block.startsWith(':')) return parse(block);
      this.comments.push(block);
    }
  }

  /** All events up to one of the name, that one last. */
  async until(event: string): Promise<ServerSentEvent[]> {
    const events: ServerSentEvent[] = [];
    while (events.at(-1)?.event !== event) {
      const next = await this.next();
      if (next === null) throw new Error(`the stream ended before ${event}`);
      events.push(next);
    }
    return events;
  }

  /** Up to the next empty line: an event or a comment. */
  async block(): Promise<string | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { done, value } = await this.#chunks.next();
      if (done) return null;
      this.#text += value;
    }
  }
}

function parse(block: string): ServerSentEvent {
  const fields = Object.fromEntries(block.split('\n').map((line) => /^(\w+): (.*)$/.exec(line)?.slice(1) ?? []));
  return { event: fields['event'], id: fields['id'], data: JSON.parse(String(fields['data'])) };
}

/** Opens the events of a job over a connection that would be used again. */
export async function openEvents(t: ExecutionContext, url: string, headers: Record<string, string> = {}) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  const sent = request(url, { agent, headers });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { agent, response, events: new EventStream(response) };
}
