import { ringOf } from '../jobs/readiness.ts';
import type { Offer } from '../mesos/types.ts';
import { isMember, type ClusterNode } from '../model/node.ts';
import { factsOfNode, type Facts } from './constraints.ts';

/** What the scheduler wants to do now: start a server or a step, or give back what a removed node holds. */
export type Need =
  | { kind: 'server'; node: ClusterNode }
  | { kind: 'step'; node: ClusterNode; phaseIndex: number; stepIndex: number }
  | { kind: 'release'; node: ClusterNode };

type Place = Pick<Offer, 'hostname' | 'agentId'>;

/** Needs and nodes by their places, for thousands of offers at once. Kept up to date as needs are met. */
export class Wanted {
  /** Of nodes without a place: any host may do. */
  readonly #unplaced = new Set<Need>();
  readonly #placed = new PlaceMap<Set<Need>>();
  readonly #members = new PlaceMap<ClusterNode>();
  readonly #nodes: readonly ClusterNode[];
  /** What was decided of nodes meanwhile, by executor id. */
  readonly #changed = new Map<string, ClusterNode>();
  #facts: Facts[] | null = null;

  constructor(needs: readonly Need[], nodes: readonly ClusterNode[]) {
    this.#nodes = nodes;
    for (const node of nodes) if (isMember(node)) this.#members.set(node, node);
    for (const need of needs) this.#add(need);
  }

  get isEmpty(): boolean {
    return this.#unplaced.size === 0 && this.#placed.isEmpty;
  }

  /** The ring's node on that host. */
  memberAt(place: Place): ClusterNode | undefined {
    return this.#members.get(place);
  }

  node(executorId: string): ClusterNode | undefined {
    return this.#changed.get(executorId) ?? ringOf(this.#nodes).get(executorId);
  }

  /** What may be met on that host: needs of the nodes that live there, else those of nodes without a place. */
  at(place: Place): Need[] {
    const here = this.#placed.get(place) ?? [];
    return [...here, ...(this.memberAt(place) ? [] : this.#unplaced)];
  }

  /** Where the ring's nodes are, as constraints see it. */
  facts(): Facts[] {
    this.#facts ??= this.#nodes
      .map((node) => this.#changed.get(node.executorId) ?? node)
      .filter((node) => isMember(node) && node.hostname !== null)
      .map(factsOfNode);
    return this.#facts;
  }

  /** A need was met, and its node is now this. */
  met(need: Need, node: ClusterNode): void {
    this.#unplaced.delete(need);
    const here = this.#placed.get(need.node);
    here?.delete(need);
    if (here?.size === 0) this.#placed.delete(need.node);
    this.changed(node);
  }

  /** More is known of a node. */
  changed(node: ClusterNode): void {
    this.#changed.set(node.executorId, node);
    if (isMember(node)) this.#members.set(node, node);
    this.#facts = null;
  }

  #add(need: Need): void {
    if (need.node.hostname === null) {
      this.#unplaced.add(need);
      return;
    }
    const here = this.#placed.get(need.node) ?? new Set();
    this.#placed.set(need.node, here.add(need));
  }
}

/** By hostname; an agent that has another one now is known by its id. */
class PlaceMap<T> {
  readonly #byHost = new Map<string, T>();
  readonly #byAgent = new Map<string, T>();

  get isEmpty(): boolean {
    return this.#byHost.size === 0;
  }

  get(place: Place | ClusterNode): T | undefined {
    const agentId = typeof place.agentId === 'string' ? place.agentId : place.agentId?.value;
    return this.#byHost.get(place.hostname ?? '') ?? this.#byAgent.get(agentId ?? '');
  }

  /** Nodes without a place are in no map. */
  set({ hostname, agentId }: ClusterNode, value: T): void {
    if (hostname === null) return;
    this.#byHost.set(hostname, value);
    if (agentId !== null) this.#byAgent.set(agentId, value);
  }

  delete({ hostname, agentId }: ClusterNode): void {
    this.#byHost.delete(hostname ?? '');
    this.#byAgent.delete(agentId ?? '');
  }
}
