// A node's share of an agent, reserved for it, with a volume.
import { randomUUID } from 'node:crypto';
import type { DiskInfo, Offer, OfferOperation, Resource, TaskInfo } from '../../../src/mesos/types.ts';
import { testExecutor, testTask } from './scheduler.ts';

/** Each test its own role: what one of them reserves, no other is offered. */
export const newRole = () => `protocol-${randomUUID().slice(0, 8)}`;

const NODE = 'node.0.executor';

/** Reserved for the node, of that role. */
export function reserved(name: string, value: number, role: string, disk?: DiskInfo): Resource {
  return {
    name,
    type: 'SCALAR',
    scalar: { value },
    allocationInfo: { role },
    reservations: [{ type: 'DYNAMIC', role, labels: { labels: [{ key: 'node', value: NODE }] } }],
    ...(disk ? { disk } : {}),
  };
}

/** What the test executor and one task need, and the disk under the volume. */
export const share = (role: string) => ({
  cpus: reserved('cpus', 0.4, role),
  mem: reserved('mem', 128, role),
  disk: reserved('disk', 64, role),
});

export const volume = (role: string, id = 'node.0.data'): Resource =>
  reserved('disk', 64, role, { persistence: { id }, volume: { containerPath: 'data', mode: 'RW' } });

/** A task whose executor has the volume; it appends to a file on it. */
export function volumeTask(taskId: string, offer: Offer, role: string): TaskInfo {
  const [cpus, mem] = [reserved('cpus', 0.1, role), reserved('mem', 32, role)];
  const executor = testExecutor(NODE, { resources: [cpus, mem, volume(role)] });
  return { ...testTask(taskId, offer, { wish: 'append data/file', executor }), resources: [cpus, mem] };
}

export const reserve = (resources: Resource[], id?: string): OfferOperation => ({
  type: 'RESERVE',
  ...(id === undefined ? {} : { id: { value: id } }),
  reserve: { resources },
});

export const unreserve = (resources: Resource[], id?: string): OfferOperation => ({
  type: 'UNRESERVE',
  ...(id === undefined ? {} : { id: { value: id } }),
  unreserve: { resources },
});

export const create = (volumes: Resource[], id?: string): OfferOperation => ({
  type: 'CREATE',
  ...(id === undefined ? {} : { id: { value: id } }),
  create: { volumes },
});

export const destroy = (volumes: Resource[], id?: string): OfferOperation => ({
  type: 'DESTROY',
  ...(id === undefined ? {} : { id: { value: id } }),
  destroy: { volumes },
});

export const launch = (...taskInfos: TaskInfo[]): OfferOperation => ({ type: 'LAUNCH', launch: { taskInfos } });
