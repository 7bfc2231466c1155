import type { RepairStatus, Replication, RingMember, Upkeep } from '../../src/cassandra/upkeep.ts';
import type { NodeHealth } from '../../src/model/node.ts';

/** An Upkeep whose ring has no other process: what Cassandra would do or refuse is said by the test. */
export class ScriptedUpkeep implements Upkeep {
  /** Every call that changes something, as `operation argument`. */
  readonly calls: string[] = [];
  keyspaces: Replication[] = [];
  members: RingMember[];
  removing = false;
  /** What the repairs come to, one after the other by number; RUNNING once all were said. */
  repairs: (RepairStatus | null)[] = [];
  /** Called before an operation does its work; what it throws, the operation throws. */
  before: (operation: string, argument: string, signal?: AbortSignal) => void | Promise<void> = () => undefined;
  readonly #health: NodeHealth;
  #begun = 0;

  constructor(health: NodeHealth) {
    this.#health = health;
    this.members = [member(health.hostId, 1), member('host-2', 2), member('host-3', 3)];
  }

  replication(): Promise<Replication[]> {
    return Promise.resolve(this.keyspaces);
  }

  async cleanUp(keyspace: string, signal?: AbortSignal): Promise<void> {
    await this.#call('cleanUp', keyspace, signal);
  }

  async stopCleanUps(): Promise<void> {
    await this.#call('stopCleanUps');
  }

  /** Without a second replica there is nothing to repair. */
  async startRepair(keyspace: string, signal?: AbortSignal): Promise<number | null> {
    await this.#call('startRepair', keyspace, signal);
    const factors = this.keyspaces.find((each) => each.keyspace === keyspace)?.factors ?? {};
    if (Object.values(factors).every((factor) => factor < 2)) return null;
    this.#begun += 1;
    return this.#begun;
  }

  repairStatus(repair: number): Promise<RepairStatus | null> {
    const status = this.repairs[repair - 1];
    return Promise.resolve(status === undefined ? { state: 'RUNNING', messages: [] } : status);
  }

  async cancelRepairs(): Promise<void> {
    await this.#call('cancelRepairs');
  }

  async decommission(signal?: AbortSignal): Promise<void> {
    await this.#call('decommission', '', signal);
    this.#health.operationMode = 'DECOMMISSIONED';
  }

  async removeNode(hostId: string, signal?: AbortSignal): Promise<void> {
    await this.#call('removeNode', hostId, signal);
    this.members = this.members.filter((each) => each.hostId !== hostId);
  }

  isRemoving(): Promise<boolean> {
    return Promise.resolve(this.removing);
  }

  ring(): Promise<RingMember[]> {
    return Promise.resolve(this.members);
  }

  async #call(operation: string, argument = '', signal?: AbortSignal): Promise<void> {
    this.calls.push([operation, argument].join(' ').trim());
    await this.before(operation, argument, signal);
    signal?.throwIfAborted();
  }
}

export function member(hostId: string, number: number, datacenter = 'dc1'): RingMember {
  return { hostId, address: `127.0.0.${number}`, datacenter };
}
