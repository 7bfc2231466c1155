import type { Clock } from '../clock.ts';
import type { BackupCatalogue } from '../jobs/backup-catalogue.ts';
import type { ClusterJobs } from '../jobs/cluster-jobs.ts';
import type { Logger } from '../log.ts';
import type { LocationCheck } from '../model/location-check.ts';
import type { ClusterNode } from '../model/node.ts';
import type { OfferReport, WaitingNeed } from '../model/offer-report.ts';
import type { State } from '../state/database.ts';
import type { NodeStore } from '../state/nodes.ts';

/** Who may call; see access.ts. */
export interface Access {
  /** Bearer token of mutating calls. Null: there is none. */
  token: string | null;
  /** Said out loud by the operator: mutating calls need no token on any address. */
  insecure: boolean;
  boundToLoopback: boolean;
}

/** What an operator may do to the ring. Each throws an OperatorError before anything is changed, and is atomic. */
export interface RingOrders {
  /** Stop, start or restart one node. NODE_REPLACED where another one took its place. */
  order(executorId: string, action: 'stop' | 'start' | 'restart'): ClusterNode;
  /** A dead node gives its tokens to a new one; its own data are never used again. */
  replace(executorId: string): { replaced: ClusterNode; replacement: ClusterNode };
  /** How many nodes there are to be; returns it. Throws BAD_REQUEST "Can not decrease the number of nodes.". */
  scale(nodeCount: number): number;
  /** Makes a node a seed or takes that away; false: it was so already. Refuses to take away the last seed. */
  setSeed(executorId: string, seed: boolean): { node: ClusterNode; changed: boolean };
  /** A node that is no member any more (replaced) is to be forgotten, its volumes and reservation deleted. */
  forget(executorId: string): ClusterNode;
  /** Everything is to be stopped, all volumes deleted, and the framework ended. */
  destroy(): void;
}

/** A file that agents fetch from the scheduler. */
export interface ServedFile {
  /** Its name in the URL. */
  name: string;
  path: string;
  /** In hex. */
  sha256: string;
}

/** Everything that the REST API works on. */
export interface ApiDeps extends Access {
  jobs: ClusterJobs;
  backups: BackupCatalogue;
  /** Looks at a location, or the default one, from this host; answers in about 10 s. Throws BAD_REQUEST. */
  checkLocation: (location: string | undefined) => Promise<LocationCheck>;
  nodes: Pick<NodeStore, 'all'>;
  state: Pick<State, 'schedules' | 'transaction'>;
  ring: RingOrders;
  offers: () => { offers: OfferReport[]; waiting: WaitingNeed[] };
  artifacts: readonly ServedFile[];
  cluster: { name: string; frameworkName: string; targetNodes: () => number; seedCount: number };
  /** In Prometheus' text format. */
  metrics: () => Promise<string>;
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
