import type { Clock } from '../clock.ts';
import type { ClusterJobs } from '../jobs/cluster-jobs.ts';
import type { Logger } from '../log.ts';
import type { NodeStore } from '../state/nodes.ts';

/** Who may call; see access.ts. */
export interface Access {
  /** Bearer token of mutating calls. Null: there is none. */
  token: string | null;
  /** Said out loud by the operator: mutating calls need no token on any address. */
  insecure: boolean;
  boundToLoopback: boolean;
}

/** Everything that the REST API works on. */
export interface ApiDeps extends Access {
  jobs: ClusterJobs;
  nodes: Pick<NodeStore, 'all' | 'save'>;
  cluster: { name: string; frameworkName: string; targetNodes: number; seedCount: number };
  /** The configuration as plain JSON, secrets already taken out. */
  config: () => Record<string, unknown>;
  /** Null until the master gave one. */
  frameworkId: () => string | null;
  /** Tells the scheduler that something is to be done. */
  wake: () => void;
  clock: Clock;
  log: Logger;
  /** Epoch ms of the scheduler's start. */
  startedAt: number;
}
