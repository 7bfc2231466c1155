import { isSystemKeyspace } from '../cassandra/read-schema.ts';
import type { Replication, RingMember } from '../cassandra/upkeep.ts';
import { OperatorError } from '../errors.ts';

/**
 * Refuses to take a node from a ring that then had fewer nodes than some keyspace has replicas. What counts are the operator's
 * keyspaces and `system_auth`. Cassandra itself would also count `system_distributed`, with three replicas that nobody chose,
 * and so refuse for every ring of three. Throws BAD_REQUEST.
 */
export function checkReplicasStay(
  hostId: string,
  ring: readonly RingMember[],
  keyspaces: readonly Replication[],
): void {
  const staying = ring.filter((member) => member.hostId !== hostId);
  for (const { keyspace, factors } of keyspaces) {
    if (isSystemKeyspace(keyspace) && keyspace !== 'system_auth') continue;
    for (const [datacenter, factor] of Object.entries(factors)) {
      const isThere = (member: RingMember) => datacenter === '*' || member.datacenter === datacenter;
      const count = staying.filter(isThere).length;
      // A datacenter that the node is not in keeps what it has, too few or not.
      if (count >= factor || !ring.some((member) => member.hostId === hostId && isThere(member))) continue;
      const where = datacenter === '*' ? '' : ` in ${datacenter}`;
      throw new OperatorError(
        'BAD_REQUEST',
        `Keyspace ${keyspace} has ${factor} replicas${where}, and ${count} nodes would be left for them`,
        { hint: 'Lower its replication factor first, or add a node.' },
      );
    }
  }
}
