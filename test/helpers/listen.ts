import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { ExecutionContext } from 'ava';

/** Lets a server listen on loopback; its port. It ends with the test, and its connections with it. */
export async function listen(t: Pick<ExecutionContext, 'teardown'>, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}
