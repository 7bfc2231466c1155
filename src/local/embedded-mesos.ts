// The embedded Mesos: a master and its agents in this process, on loopback, with the wire protocol of a real one.
import { join } from 'node:path';
import { systemClock, type Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { Attribute, Resource } from '../mesos/types.ts';
import { Agent } from './agent.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { serve, type HttpEndpoint } from './http.ts';
import { Master } from './master.ts';
import { answerScheduler, SCHEDULER_PATHS } from './scheduler-api.ts';
import type { MasterLink } from './links.ts';

export interface EmbeddedAgentOptions {
  hostname: string;
  ip: string;
  /** 0 takes any free port at the first start, and the same one later. */
  port: number;
  resources: {
    cpus: number;
    /** MB, as everywhere in Mesos. */
    mem: number;
    disk: number;
    ports: readonly { begin: number; end: number }[];
  };
  /** Text attributes, for example `rack`. */
  attributes?: Readonly<Record<string, string>>;
}

/** All times in milliseconds; the defaults are Mesos's own, except where said. */
export interface EmbeddedMesosOptions {
  /** Keeps agents, sandboxes and ports: started again on it, it goes on with the executors that still run. */
  workDir: string;
  /** Port 0 as for agents. */
  master: { host: string; port: number };
  agents: readonly EmbeddedAgentOptions[];
  log: Logger;
  clock?: Clock;
  /** Unanswered offers are taken back after it; never when absent. */
  offerTimeoutMs?: number;
  heartbeatMs?: number;
  allocationIntervalMs?: number;
  agentTimeoutMs?: number;
  updateResendMs?: number;
  executorRegistrationTimeoutMs?: number;
  /** 10 s; 2 s in Mesos. */
  executorReregistrationTimeoutMs?: number;
  /** For executors whose ExecutorInfo does not say. */
  executorShutdownGraceMs?: number;
  executorRecoveryTimeoutMs?: number;
  fetchTimeoutMs?: number;
}

const DEFAULTS = {
  clock: systemClock,
  heartbeatMs: 15_000,
  allocationIntervalMs: 1000,
  agentTimeoutMs: 75_000,
  updateResendMs: 10_000,
  executorRegistrationTimeoutMs: 60_000,
  executorReregistrationTimeoutMs: 10_000,
  executorShutdownGraceMs: 5000,
  executorRecoveryTimeoutMs: 900_000,
  fetchTimeoutMs: 600_000,
};

type Settings = EmbeddedMesosOptions & typeof DEFAULTS;

export class EmbeddedMesos {
  readonly #settings: Settings;
  readonly #agents: readonly Agent[];
  #master: Master;
  #endpoint: HttpEndpoint | undefined;
  #port: number;

  private constructor(settings: Settings, port: number) {
    this.#settings = settings;
    this.#port = port;
    this.#master = this.#newMaster();
    this.#agents = settings.agents.map((agent, index) => this.#newAgent(agent, index));
  }

  /** Resolves when schedulers can subscribe and all agents are registered. */
  static async start(options: EmbeddedMesosOptions): Promise<EmbeddedMesos> {
    const settings = { ...DEFAULTS, ...options };
    const kept = await readCheckpoint<{ port: number }>(join(settings.workDir, 'master.json'));
    const mesos = new EmbeddedMesos(settings, kept?.port ?? settings.master.port);
    try {
      for (const agent of mesos.#agents) await agent.start();
      await mesos.#openMaster();
    } catch (error) {
      await mesos.stop({ killExecutors: false });
      throw error;
    }
    return mesos;
  }

  /** Of the master. */
  get url(): string {
    return `http://${this.#settings.master.host}:${this.#port}`;
  }

  /** By its place in the options. */
  agent(index: number): Agent {
    const agent = this.#agents[index];
    if (!agent) throw new RangeError(`Expected an agent from 0 to ${this.#agents.length - 1}, got ${index}`);
    return agent;
  }

  /** As if its process was killed and started again: connections break, agents register at the new one. */
  async restartMaster(): Promise<void> {
    await this.#closeMaster();
    this.#master = this.#newMaster();
    for (const agent of this.#agents) await agent.connect();
    await this.#openMaster();
  }

  /**
   * Ends it. With `killExecutors` executors are asked to end, killed after their grace period, and no process of
   * theirs is left; else they go on and are found again by the next start on the same `workDir`.
   */
  async stop({ killExecutors }: { killExecutors: boolean }): Promise<void> {
    // Schedulers go first: one that is there would launch again what is ended here.
    await this.#closeMaster();
    if (killExecutors) await Promise.all(this.#agents.map((agent) => agent.shutdownExecutors()));
    await Promise.all(this.#agents.map((agent) => agent.stop()));
  }

  async #openMaster(): Promise<void> {
    const { workDir, master, log } = this.#settings;
    this.#endpoint = await serve({
      ip: master.host,
      port: this.#port,
      paths: SCHEDULER_PATHS,
      handle: (request) => answerScheduler(this.#master, this.#port, request),
      log,
    });
    this.#port = this.#endpoint.port;
    await writeCheckpoint(join(workDir, 'master.json'), { port: this.#port });
  }

  async #closeMaster(): Promise<void> {
    this.#master.stop();
    await this.#endpoint?.close();
    this.#endpoint = undefined;
  }

  #newMaster(): Master {
    const { host } = this.#settings.master;
    return new Master({ ...this.#settings, hostname: host, ip: host });
  }

  #newAgent({ hostname, ip, port, resources, attributes = {} }: EmbeddedAgentOptions, index: number): Agent {
    const options = {
      ...this.#settings,
      hostname,
      ip,
      directory: join(this.#settings.workDir, 'agents', String(index)),
      resources: agentResources(resources),
      attributes: Object.entries(attributes).map(([name, value]): Attribute => ({
        name,
        type: 'TEXT',
        text: { value },
      })),
      log: this.#settings.log.child({ agent: index }),
    };
    return new Agent(options, port, this.#link());
  }

  /** To whichever master there is. */
  #link(): MasterLink {
    return {
      register: (...args) => this.#master.register(...args),
      disconnected: (...args) => this.#master.disconnected(...args),
      unreachable: (...args) => this.#master.unreachable(...args),
      statusUpdate: (...args) => this.#master.statusUpdate(...args),
      executorExited: (...args) => this.#master.executorExited(...args),
      executorMessage: (...args) => this.#master.executorMessage(...args),
    };
  }
}

function agentResources({ cpus, mem, disk, ports }: EmbeddedAgentOptions['resources']): Resource[] {
  const scalars = Object.entries({ cpus, mem, disk });
  return [
    ...scalars.map(([name, value]): Resource => ({ name, type: 'SCALAR', scalar: { value } })),
    { name: 'ports', type: 'RANGES', ranges: { range: [...ports] } },
  ];
}
