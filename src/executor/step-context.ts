import type { CassandraNode } from '../cassandra/node.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { StepRequest } from '../model/step.ts';
import type { CopyPool } from '../storage/copy-pool.ts';
import type { Storage } from '../storage/storage.ts';
import type { Reporter } from './report.ts';

/** All that a step works with. */
export interface StepContext extends NodeContext {
  storage: Storage;
}

/** What a step works with that needs no location. */
export interface NodeContext {
  request: StepRequest;
  node: CassandraNode;
  /** Hashes files beside the event loop. */
  pool: CopyPool;
  /** Cassandra's data directories, in the order of its configuration. */
  dataDirectories: string[];
  /** For each data directory one beside it on the same file system: what is staged is moved, not copied. */
  stagingDirectories: string[];
  /** Where the node's digest cache lies. */
  digestDirectory: string;
  hostname: string;
  ip: string;
  reporter: Reporter;
  /** Aborts when the step is killed or Cassandra is gone; the reason is the OperatorError to end with. */
  signal: AbortSignal;
  clock: Clock;
  log: Logger;
}
