import type { CassandraNode } from '../cassandra/node.ts';
import type { ServerRequest } from '../model/step.ts';

/** A Cassandra process as the executor sees it. */
export interface Server {
  readonly node: CassandraNode;
  readonly dataDirectories: string[];
  /** One per data directory, on the same file system. */
  readonly stagingDirectories: string[];
  /** Where the node's digest cache lies: beside its data. */
  readonly digestDirectory: string;
  /** Where it is kept what is needed to go on with an upload that was cut short. */
  readonly uploadsDirectory: string;
  /** Resolves when the process is gone, with how: `exit code 1`, `SIGKILL`. Never rejects. */
  readonly exited: Promise<string>;
  /** Resolves when the node is NORMAL and serves CQL; throws CASSANDRA_ERROR or TIMEOUT with Cassandra's own words. */
  ready(signal: AbortSignal): Promise<void>;
  /** The lines of its log that say why it died. */
  lastErrors(): Promise<string>;
  /** Ends the process within `graceMs`, by force at last, and waits until it is gone. */
  stop(options: { drain: boolean; graceMs: number }): Promise<void>;
}

/** Starts the process and returns as soon as it runs. */
export type StartServer = (request: ServerRequest, signal: AbortSignal) => Promise<Server>;
