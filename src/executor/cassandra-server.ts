import { LiveNode } from '../cassandra/live-node.ts';
import { CassandraProcess, type ProcessDependencies } from '../cassandra/process.ts';
import type { Logger } from '../log.ts';
import type { Server, StartServer } from './server.ts';

/** Starts real Cassandra processes. */
export function cassandraServers(deps: Omit<ProcessDependencies, 'signal'>): StartServer {
  return async (request, signal) => {
    const process = await CassandraProcess.start(request, { ...deps, signal });
    return toServer(process, new LiveNode(process.endpoint, deps.clock), deps.log);
  };
}

function toServer(process: CassandraProcess, node: LiveNode, log: Logger): Server {
  return {
    node,
    dataDirectories: process.paths.data,
    stagingDirectories: process.paths.staging,
    digestDirectory: process.paths.digests,
    uploadsDirectory: process.paths.uploads,
    exited: process.exited.then(async ({ code, signal }) => {
      await node.close().catch((error: unknown) => log.warn({ err: error }, 'connections to Cassandra did not close'));
      return signal ?? `exit code ${code}`;
    }),
    ready: (signal) => process.ready({ signal }),
    lastErrors: () => process.lastErrors(),
    async stop(options) {
      await process.stop(options);
    },
  };
}
