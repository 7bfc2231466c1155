import { OperatorError } from '../errors.ts';
import { isMember, type ClusterNode } from '../model/node.ts';

/**
 * The node that an operator means by an executor id, a hostname or an ip. A former node gives way to the member that
 * lives on its host now; with `formerToo` (where data are at stake) both are meant. Throws NODE_NOT_FOUND, and
 * NODE_AMBIGUOUS with the candidates where several nodes share the host.
 */
export function findNode(nodes: ClusterNode[], wanted: string, { formerToo = false } = {}): ClusterNode {
  const exact = nodes.find((node) => node.executorId === wanted);
  if (exact) return exact;
  const everybody = nodes.filter((node) => node.hostname === wanted || node.ip === wanted);
  const members = everybody.filter(isMember);
  const there = formerToo || members.length === 0 ? everybody : members;
  const [first] = there;
  if (first && there.length === 1) return first;
  const candidates = (first ? there : nodes).map((node) => node.executorId);
  const got = JSON.stringify(wanted.slice(0, 253));
  if (first) {
    throw new OperatorError('NODE_AMBIGUOUS', `Expected one node, got ${got}, where ${there.length} nodes live`, {
      hint: `Name one of them: ${candidates.join(', ')}.`,
      details: { candidates },
    });
  }
  throw new OperatorError('NODE_NOT_FOUND', `Expected the executor id, hostname or ip of a node, got ${got}`, {
    hint: candidates.length > 0 ? `The nodes are ${candidates.join(', ')}.` : 'The cluster has no nodes yet.',
  });
}
