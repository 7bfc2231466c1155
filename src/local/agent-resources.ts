// What an agent of the embedded Mesos has, as its operator would say it, in Mesos's words.
import type { Attribute, Resource } from '../mesos/types.ts';

export interface AgentShare {
  cpus?: number;
  /** MB, as everywhere in Mesos. */
  mem?: number;
  disk?: number;
  ports?: readonly { begin: number; end: number }[];
}

/** A disk beside the one of the agent's work directory. */
export interface AgentDisk {
  /** A MOUNT disk is given to one volume as a whole, a PATH disk is shared. */
  type: 'MOUNT' | 'PATH';
  /** Directory. */
  root: string;
  /** MB. */
  size: number;
}

export interface AgentPossessions {
  resources: AgentShare;
  disks?: readonly AgentDisk[];
  /** Statically reserved, beside `resources`, by role. */
  reserved?: Readonly<Record<string, AgentShare>>;
}

export function agentResources({ resources, disks = [], reserved = {} }: AgentPossessions): Resource[] {
  return [
    ...share(resources),
    ...Object.entries(reserved).flatMap(([role, part]) =>
      share(part).map((resource): Resource => ({ ...resource, reservations: [{ type: 'STATIC', role }] })),
    ),
    ...disks.map(({ type, root, size }): Resource => {
      const source = type === 'MOUNT' ? { type, mount: { root } } : { type, path: { root } };
      return { name: 'disk', type: 'SCALAR', scalar: { value: size }, disk: { source } };
    }),
  ];
}

function share({ ports, ...scalars }: AgentShare): Resource[] {
  return [
    ...Object.entries(scalars).map(([name, value]): Resource => ({ name, type: 'SCALAR', scalar: { value } })),
    ...(ports ? [{ name: 'ports', type: 'RANGES' as const, ranges: { range: [...ports] } }] : []),
  ];
}

export function textAttributes(attributes: Readonly<Record<string, string>>): Attribute[] {
  return Object.entries(attributes).map(([name, value]) => ({ name, type: 'TEXT', text: { value } }));
}
