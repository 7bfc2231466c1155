import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { SchedulerEvent } from '../mesos/types.ts';
import type { Framework, MasterState } from './master-state.ts';

export interface MasterSettings {
  hostname: string;
  ip: string;
  /** An offer that is not answered for so long is taken back; never when absent, as Mesos's default. */
  offerTimeoutMs?: number;
  heartbeatMs: number;
  /** How often free resources are offered when nothing asks for it sooner. */
  allocationIntervalMs: number;
  /** How long an agent may be away before its tasks are unreachable. */
  agentTimeoutMs: number;
  clock: Clock;
  log: Logger;
}

/** What the parts of a master share. */
export interface MasterContext {
  readonly state: MasterState;
  readonly settings: MasterSettings;
  /** The master's life. */
  readonly signal: AbortSignal;
  /** Lost when the framework is not subscribed. */
  readonly send: (framework: Framework, event: SchedulerEvent) => void;
  /** Something of the agent has become free: it is looked at when resources are offered the next time. */
  touch(agentId: string): void;
  /**
   * Offers what is free once all that is happening now has happened: who subscribes, revives or registers does not wait
   * for the next turn. What became free does, as in Mesos.
   */
  allocateSoon(): void;
  /** A new id: `-0000` of a framework, `-S0` of an agent, `-O0` of an offer, after the master's own. */
  newId(kind: 'framework' | 'agent' | 'offer'): string;
}
