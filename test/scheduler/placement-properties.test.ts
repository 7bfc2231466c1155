// Random offers, ends and removals on a small model of agents: whatever comes, nothing is taken that was not offered.
import test from 'ava';
import * as fc from 'fast-check';
import { add, contains, subtract } from '../../src/local/resources.ts';
import type { Offer, Resource } from '../../src/mesos/types.ts';
import { isMember, type ClusterNode } from '../../src/model/node.ts';
import { holderOf, volumeIdOf } from '../../src/scheduler/claims.ts';
import { matchOffer, type Launch } from '../../src/scheduler/match-offer.ts';
import { isToBeReleased, type Release } from '../../src/scheduler/reservation.ts';
import { scalarOf } from '../../src/scheduler/resources.ts';
import type { SchedulerSettings } from '../../src/scheduler/settings.ts';
import { Wanted, type Need } from '../../src/scheduler/wanted.ts';
import { aNode, anOffer, settings, withRole } from './helpers.ts';

const HOSTS = 3;
const NODES = 4;

/** What a node's executor, its server and a step use on an agent. */
interface Usage {
  executor: Resource[];
  server: Resource[] | null;
  step: Resource[] | null;
}

interface Agent {
  hostname: string;
  total: Resource[];
  usage: Map<string, Usage>;
}

type Command =
  | { kind: 'offer'; host: number; step: boolean }
  | { kind: 'end'; node: number; what: 'server' | 'executor' | 'step' }
  | { kind: 'remove'; node: number; deleteData: boolean };

const index = (count: number) => fc.nat({ max: count - 1 });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('offer' as const), host: index(HOSTS), step: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      node: index(NODES),
      what: fc.constantFrom('server' as const, 'executor' as const, 'step' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('remove' as const), node: index(NODES), deleteData: fc.boolean() }),
  },
);

const scalar = (name: string, value: number, more: Partial<Resource> = {}): Resource => ({
  name,
  type: 'SCALAR',
  scalar: { value },
  ...more,
});

const agentResources = fc
  .record({
    cpus: fc.integer({ min: 8, max: 40 }),
    mem: fc.integer({ min: 1000, max: 8000 }),
    root: fc.integer({ min: 500, max: 8000 }),
    path: fc.array(fc.integer({ min: 500, max: 3000 }), { maxLength: 2 }),
    mount: fc.array(fc.integer({ min: 500, max: 3000 }), { maxLength: 3 }),
    isStatic: fc.boolean(),
    spare: fc.integer({ min: 0, max: 6 }),
  })
  .map(({ cpus, mem, root, path, mount, isStatic, spare }): Resource[] => {
    const reservations = isStatic ? [{ type: 'STATIC' as const, role: 'cassandra' }] : [];
    const range = [
      { begin: 7000, end: 7000 },
      { begin: 9042, end: 9042 },
      { begin: 31_000, end: 31_000 + spare },
    ];
    return [
      { name: 'ports', type: 'RANGES', ranges: { range } },
      scalar('cpus', cpus / 10, { reservations }),
      scalar('cpus', 0.7),
      scalar('mem', mem, { reservations }),
      scalar('disk', root, { reservations }),
      // Of another framework of the role.
      scalar('disk', 2000, {
        reservations: [{ type: 'STATIC', role: 'cassandra' }],
        disk: { persistence: { id: 'theirs' }, volume: { containerPath: 'theirs', mode: 'RW' } },
      }),
      ...path.map((size, at) =>
        scalar('disk', size, { disk: { source: { type: 'PATH', path: { root: `/p${at}` } } } }),
      ),
      ...mount.map((size, at) =>
        scalar('disk', size, { disk: { source: { type: 'MOUNT', mount: { root: `/m${at}` } } } }),
      ),
    ];
  });

const settingsOf: fc.Arbitrary<SchedulerSettings> = fc.oneof(
  fc.constant(settings),
  fc
    .record({ type: fc.constantFrom('ROOT' as const, 'PATH' as const, 'MOUNT' as const), count: fc.constantFrom(1, 2) })
    .map((volumes) => ({ ...withRole, volumes })),
);

/** Throws when `taken` is not all there. */
function without(have: Resource[], taken: Resource[], what: string): Resource[] {
  if (!contains(have, taken))
    throw new Error(`${what}: ${JSON.stringify(taken)} is not within ${JSON.stringify(have)}`);
  return subtract(have, taken);
}

function unreserved(resource: Resource): Resource {
  return { ...resource, reservations: (resource.reservations ?? []).slice(0, -1) };
}

function bare(resource: Resource): Resource {
  const { disk, ...rest } = resource;
  return disk?.source ? { ...rest, disk: { source: disk.source } } : rest;
}

class Model {
  readonly agents: Agent[];
  readonly settings: SchedulerSettings;
  readonly nodes: ClusterNode[] = Array.from({ length: NODES }, (_, number) => aNode(number));

  constructor(resources: Resource[][], chosen: SchedulerSettings) {
    this.settings = chosen;
    this.agents = resources.map((total, host) => ({ hostname: `h${host}`, total, usage: new Map() }));
  }

  run(step: Command): void {
    if (step.kind === 'offer') this.#offer(this.agents[step.host] as Agent, step.step);
    else if (step.kind === 'end') this.#end(step.node, step.what);
    else this.#remove(step.node, step.deleteData);
    this.#check();
  }

  #free({ total, usage }: Agent): Resource[] {
    const used = [...usage.values()].flatMap(({ executor, server, step }) => [
      ...executor,
      ...(server ?? []),
      ...(step ?? []),
    ]);
    return without(total, used, 'in use');
  }

  #offer(agent: Agent, wantsStep: boolean): void {
    const free = this.#free(agent);
    const role = this.settings.role;
    const offer: Offer = {
      ...anOffer(agent.hostname, { executors: [...agent.usage.keys()] }),
      resources: free.map((resource) => ({ ...resource, allocationInfo: { role } })),
    };
    const needs = this.nodes.flatMap((node): Need[] => {
      if (isToBeReleased(node)) return [{ kind: 'release', node }];
      if (!isMember(node)) return [];
      if (node.serverState === 'NONE') return [{ kind: 'server', node }];
      const busy = agent.usage.get(node.executorId)?.step ?? null;
      return wantsStep && busy === null ? [{ kind: 'step', node, phaseIndex: 0, stepIndex: 0 }] : [];
    });
    const { launches, releases } = matchOffer(offer, new Wanted(needs, this.nodes), this.settings);
    let left = free;
    for (const release of releases) left = this.#release(agent, release, left);
    for (const launch of launches) left = this.#launch(agent, launch, left);
  }

  /** Mesos' arithmetic of the operations; returns what is left of the offer. */
  #launch(agent: Agent, launch: Launch, offered: Resource[]): Resource[] {
    const { node } = launch.need;
    if (launch.kind === 'step') {
      const usage = agent.usage.get(node.executorId);
      if (!usage) throw new Error('a step without executor');
      usage.step = launch.resources;
      return without(offered, launch.resources, 'step');
    }
    const { share, newExecutor } = launch;
    const make = (have: Resource[]): Resource[] => {
      const reserved = add(without(have, share.reserve.map(unreserved), 'RESERVE'), share.reserve);
      return add(without(reserved, share.create.map(bare), 'CREATE'), share.create);
    };
    agent.total = make(agent.total);
    const left = without(make(offered), [...share.executor, ...share.task], 'LAUNCH');
    if (newExecutor === agent.usage.has(node.executorId)) throw new Error('a second executor, or none');
    const usage = agent.usage.get(node.executorId) ?? { executor: share.executor, server: null, step: null };
    if (usage.server) throw new Error('a second server');
    agent.usage.set(node.executorId, { ...usage, server: share.task });
    const { reservation: before } = node;
    if (before?.made && newExecutor) {
      const ids = new Set(share.executor.map(volumeIdOf));
      if (!before.volumes.every(({ id }) => ids.has(id))) throw new Error('launched without its volumes');
    }
    this.#save({
      ...node,
      hostname: agent.hostname,
      agentId: `agent-${agent.hostname}`,
      serverState: 'RUNNING',
      executorInfo: new Uint8Array(1),
      launches: node.launches + 1,
      ports: share.ports,
      reservation: share.reservation && { ...share.reservation, made: true },
    });
    return left;
  }

  #release(agent: Agent, { node, destroy, unreserve }: Release, offered: Resource[]): Resource[] {
    const give = (have: Resource[]): Resource[] => {
      const destroyed = add(without(have, destroy, 'DESTROY'), destroy.map(bare));
      return add(without(destroyed, unreserve, 'UNRESERVE'), unreserve.map(unreserved));
    };
    agent.total = give(agent.total);
    const held = agent.total.filter((resource) => holderOf(resource) === node.executorId);
    if (held.length > 0) throw new Error(`kept of a released node: ${JSON.stringify(held)}`);
    this.#save({ ...node, reservation: null });
    return without(offered, [...destroy, ...subtract(unreserve, destroy.map(bare))], 'release');
  }

  #end(number: number, what: 'server' | 'executor' | 'step'): void {
    const node = this.nodes[number] as ClusterNode;
    const agent = this.agents.find(({ usage }) => usage.has(node.executorId));
    const usage = agent?.usage.get(node.executorId);
    if (!agent || !usage) return;
    if (what === 'executor') agent.usage.delete(node.executorId);
    else usage[what] = null;
    if (what !== 'step') this.#save({ ...node, serverState: 'NONE' });
  }

  #remove(number: number, deleteData: boolean): void {
    const node = this.nodes[number] as ClusterNode;
    for (const { usage } of this.agents) usage.delete(node.executorId);
    this.#save({ ...node, targetRunState: 'TERMINATE', deleteData, serverState: 'NONE' });
  }

  #save(node: ClusterNode): void {
    this.nodes[node.number] = node;
  }

  #check(): void {
    const { executor, server, step } = this.settings;
    const share = executor.cpus + server.cpus + step.cpus;
    for (const { total, usage, hostname } of this.agents) {
      if (usage.size > 1) throw new Error(`two nodes on ${hostname}`);
      for (const [id, { executor: resources }] of usage) {
        const foreign = resources.filter((resource) => (holderOf(resource) ?? id) !== id);
        if (foreign.length > 0) throw new Error(`${id} uses what another node holds`);
      }
      for (const node of this.nodes) {
        const held = total.filter((resource) => holderOf(resource) === node.executorId);
        if (scalarOf(held, 'cpus') > share + 1e-9) throw new Error('more is reserved than the share of a node');
        if (held.length > 0 && node.hostname !== hostname)
          throw new Error('something is held where the node does not live');
      }
    }
  }
}

test('whatever is offered and ends: nothing is used twice, no host has two nodes, no volume two users', (t) => {
  fc.assert(
    fc.property(
      fc.array(agentResources, { minLength: HOSTS, maxLength: HOSTS }),
      settingsOf,
      fc.array(command, { minLength: 30, maxLength: 60 }),
      (resources, chosen, commands) => {
        const model = new Model(resources, chosen);
        for (const step of commands) model.run(step);
      },
    ),
    { numRuns: 200 },
  );
  t.pass();
});
