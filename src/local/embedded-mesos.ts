// The embedded Mesos: a master and its agents in this process, on loopback, with the wire protocol of a real one.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, type Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { agentResources, textAttributes, type AgentPossessions } from './agent-resources.ts';
import { Agent } from './agent.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { MasterEndpoint } from './master-endpoint.ts';
import { Master, type Registry } from './master.ts';
import type { MasterLink } from './links.ts';

export interface EmbeddedAgentOptions extends AgentPossessions {
  hostname: string;
  ip: string;
  /** 0 takes any free port at the first start, and the same one later. */
  port: number;
  /** `host:port` of a proxy that its executors are to reach it by. */
  executorEndpoint?: string;
  /** Text attributes, for example `rack`. */
  attributes?: Readonly<Record<string, string>>;
  /** Its fault domain. */
  domain?: { region: string; zone: string };
}

/** All times in milliseconds; the defaults are Mesos's own, except where said. */
export interface EmbeddedMesosOptions {
  /** Keeps agents, sandboxes, volumes and ports: started again on it, it goes on with the executors that still run. */
  workDir: string;
  /** Port 0 as for agents. */
  master: { host: string; port: number };
  /** Masters that send schedulers on to the one that leads. */
  standby?: readonly { host: string; port: number }[];
  agents: readonly EmbeddedAgentOptions[];
  log: Logger;
  clock?: Clock;
  /** Secrets by principal: frameworks must give one of them by HTTP basic. Absent, none is asked for. */
  credentials?: Readonly<Record<string, string>>;
  /** Agents give their executors a token and take calls with it only. */
  executorAuthentication?: boolean;
  /** Unanswered offers are taken back after it; never when absent. */
  offerTimeoutMs?: number;
  heartbeatMs?: number;
  /** Of offering what became free: 100 ms; 1 s in Mesos. */
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
  /** So many sandboxes of executors that have ended are kept per agent. Mesos keeps them by age: a week. */
  keepSandboxes?: number;
}

const DEFAULTS = {
  clock: systemClock,
  standby: [] as NonNullable<EmbeddedMesosOptions['standby']>,
  executorAuthentication: false,
  heartbeatMs: 15_000,
  allocationIntervalMs: 100,
  agentTimeoutMs: 75_000,
  updateResendMs: 10_000,
  executorRegistrationTimeoutMs: 60_000,
  executorReregistrationTimeoutMs: 10_000,
  executorShutdownGraceMs: 5000,
  executorRecoveryTimeoutMs: 900_000,
  fetchTimeoutMs: 600_000,
  keepSandboxes: 10,
};

type Settings = EmbeddedMesosOptions & typeof DEFAULTS;

export class EmbeddedMesos {
  readonly #settings: Settings;
  readonly #agents: readonly Agent[];
  readonly #endpoints: (MasterEndpoint | undefined)[] = [];
  #leading = 0;
  #master: Master;
  #ports: readonly number[];

  private constructor(settings: Settings, ports: readonly number[] | undefined) {
    this.#settings = settings;
    this.#ports = ports ?? [settings.master, ...settings.standby].map(({ port }) => port);
    this.#master = this.#newMaster(0);
    this.#agents = settings.agents.map((agent, index) => this.#newAgent(agent, index));
  }

  /** Resolves when schedulers can subscribe and all agents are registered. */
  static async start(options: EmbeddedMesosOptions): Promise<EmbeddedMesos> {
    const settings = { ...DEFAULTS, ...options };
    const kept = await readCheckpoint<{ ports: number[] }>(join(settings.workDir, 'master.json'));
    const mesos = new EmbeddedMesos(settings, kept?.ports);
    try {
      for (const { root } of settings.agents.flatMap(({ disks = [] }) => disks)) await mkdir(root, { recursive: true });
      for (const agent of mesos.#agents) await agent.start();
      for (const index of mesos.#ports.keys()) await mesos.#openMaster(index);
      mesos.#lead(0);
    } catch (error) {
      await mesos.stop({ killExecutors: false });
      throw error;
    }
    return mesos;
  }

  /** Of the master that leads, or led last. */
  get url(): string {
    return this.urls[this.#leading] ?? '';
  }

  /** Of all masters. */
  get urls(): string[] {
    const hosts = [this.#settings.master, ...this.#settings.standby].map(({ host }) => host);
    return hosts.map((host, index) => `http://${host}:${this.#ports[index] ?? 0}`);
  }

  /** By its place in the options. */
  agent(index: number): Agent {
    const agent = this.#agents[index];
    if (!agent) throw new RangeError(`Expected an agent from 0 to ${this.#agents.length - 1}, got ${index}`);
    return agent;
  }

  /**
   * As if its process was killed and started again: connections break, agents register at the new one. Until
   * what `recover`, called once it listens, has resolved, schedulers are answered 503. Without `agents` they stay away until they are told to `connect`.
   */
  async restartMaster({
    recover = () => Promise.resolve(),
    agents = true,
  }: { recover?: () => Promise<void>; agents?: boolean } = {}): Promise<void> {
    await this.#closeMaster();
    await this.#openMaster(this.#leading);
    await recover();
    await this.#succeed(this.#leading, agents);
  }

  /** As if the leading master was killed. The others know of no new leader: they still send schedulers to it. */
  async killLeader(): Promise<void> {
    await this.#closeMaster();
  }

  /** The next of the masters that live leads from now on, and the agents register there. */
  async elect(): Promise<void> {
    const next = this.#endpoints.findIndex((endpoint) => endpoint !== undefined);
    if (next === -1) throw new RangeError('Expected a standby master that lives, found none');
    await this.#succeed(next, true);
  }

  /** An operator ends a framework: when it comes back it hears ERROR `Framework has been removed`. */
  removeFramework(frameworkId: string): void {
    this.#master.removeFramework(frameworkId);
  }

  /** An operator marks an agent gone: its tasks are TASK_GONE_BY_OPERATOR, its executors end, it cannot come back. */
  markGone(agentId: string): void {
    this.#master.markGone(agentId);
  }

  /**
   * Ends it. With `killExecutors` executors are asked to end, killed after their grace period, and no process of
   * theirs is left; else they go on and are found again by the next start on the same `workDir`.
   */
  async stop({ killExecutors }: { killExecutors: boolean }): Promise<void> {
    // Schedulers go first: one that is there would launch again what is ended here.
    await this.#closeMaster();
    for (const endpoint of this.#endpoints) await endpoint?.close();
    if (killExecutors) await Promise.all(this.#agents.map((agent) => agent.shutdownExecutors()));
    await Promise.all(this.#agents.map((agent) => agent.stop()));
  }

  async #openMaster(index: number): Promise<void> {
    const { workDir, master, standby, credentials, log } = this.#settings;
    const { host } = [master, ...standby][index] ?? master;
    const port = this.#ports[index] ?? 0;
    const endpoint = await MasterEndpoint.open({ host, port, log, ...(credentials ? { credentials } : {}) });
    this.#endpoints[index] = endpoint;
    this.#ports = this.#ports.with(index, endpoint.port);
    await writeCheckpoint(join(workDir, 'master.json'), { ports: this.#ports });
  }

  async #closeMaster(): Promise<void> {
    this.#master.stop();
    for (const agent of this.#agents) agent.disconnect();
    await this.#endpoints[this.#leading]?.close();
    this.#endpoints[this.#leading] = undefined;
  }

  /** A new master knows what is in the registry, and the rest from its agents. */
  async #succeed(index: number, agents: boolean): Promise<void> {
    this.#master = this.#newMaster(index, this.#master.registry);
    if (agents) for (const agent of this.#agents) await agent.connect();
    this.#lead(index);
  }

  #lead(index: number): void {
    this.#leading = index;
    const leader = () => new URL(this.url).host;
    for (const endpoint of this.#endpoints) endpoint?.follow(leader);
    this.#endpoints[index]?.lead(this.#master);
  }

  #newMaster(index: number, registry?: Registry): Master {
    const { master, standby } = this.#settings;
    const { host } = [master, ...standby][index] ?? master;
    return new Master({ ...this.#settings, hostname: host, ip: host }, registry);
  }

  #newAgent(said: EmbeddedAgentOptions, index: number): Agent {
    const { hostname, ip, port, executorEndpoint, attributes = {}, domain } = said;
    const options = {
      ...this.#settings,
      hostname,
      ip,
      directory: join(this.#settings.workDir, 'agents', String(index)),
      resources: agentResources(said),
      attributes: textAttributes(attributes),
      ...(domain ? { domain: faultDomain(domain) } : {}),
      ...(executorEndpoint === undefined ? {} : { executorEndpoint }),
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
      operationStatus: (...args) => this.#master.operationStatus(...args),
      executorExited: (...args) => this.#master.executorExited(...args),
      executorMessage: (...args) => this.#master.executorMessage(...args),
    };
  }
}

function faultDomain({ region, zone }: { region: string; zone: string }) {
  return { faultDomain: { region: { name: region }, zone: { name: zone } } };
}
