import { createServer } from 'node:net';
import { messageOf, OperatorError } from '../errors.ts';
import type { ServerRequest } from '../model/step.ts';

const LOOPBACK = '127.0.0.1';

/**
 * Makes sure that the node's ports can be had, before a JVM is started for nothing: with Jolokia's port taken Cassandra
 * would run on without it (seen with Jolokia 2.2.9), out of our sight. Throws CASSANDRA_ERROR naming all that are taken.
 */
export async function checkPorts({ address, ports }: Pick<ServerRequest, 'address' | 'ports'>): Promise<void> {
  const wanted = [
    { name: 'storage', host: address, port: ports.storage },
    { name: 'native', host: address, port: ports.native },
    { name: 'jmx', host: LOOPBACK, port: ports.jmx },
    { name: 'jolokia', host: LOOPBACK, port: ports.jolokia },
  ];
  const refusals: string[] = [];
  for (const { name, host, port } of wanted) {
    const refusal = await tryListen(host, port);
    if (refusal !== null) refusals.push(`${name} port ${port} at ${host}: ${refusal}`);
  }
  if (refusals.length === 0) return;
  throw new OperatorError('CASSANDRA_ERROR', `the node's ports are not free: ${refusals.join('; ')}`, {
    hint: 'Is a Cassandra of before still running there?',
  });
}

async function tryListen(host: string, port: number): Promise<string | null> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ host, port, exclusive: true }, resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    return null;
  } catch (error) {
    return messageOf(error);
  }
}
