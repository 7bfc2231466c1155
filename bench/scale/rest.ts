import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

/** The whole answer of the scheduler. On a connection of its own: one that is kept may be closed by the other side just when it is used again. */
export async function ask(port: number, method: 'GET' | 'POST', path: string): Promise<string> {
  const asked = request({ method, path, host: '127.0.0.1', port, agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const body = await text(answer);
  if (answer.statusCode === 200) return body;
  throw new Error(`${method} ${path} was answered ${answer.statusCode}: ${body}`);
}
