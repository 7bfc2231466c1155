import { OperatorError } from '../errors.ts';
import type { BackupRecord } from '../model/backup.ts';

type BackupNode = BackupRecord['nodes'][number];

interface Identity {
  executorId: string;
  hostId: string;
  tokens: readonly string[];
}

/**
 * The backup's node whose data belong on this one: the one that owns the same tokens. Host id and executor id only
 * help to say what went wrong: data of other tokens would be out of reach here. Throws TOPOLOGY_MISMATCH.
 */
export function findSource(nodes: readonly BackupNode[], self: Identity): BackupNode {
  const own = tokenSet(self.tokens);
  const candidates = nodes.filter((node) => tokenSet(node.tokens) === own);
  const found = candidates.find((node) => node.hostId === self.hostId) ?? candidates[0];
  if (found !== undefined) return found;

  const namesake =
    nodes.find((node) => node.hostId === self.hostId) ?? nodes.find((node) => node.executorId === self.executorId);
  throw new OperatorError(
    'TOPOLOGY_MISMATCH',
    namesake === undefined
      ? `no node of the backup has the tokens of ${self.executorId}: ${list(self.tokens)}; the backup holds ${nodes
          .map((node) => `${node.executorId} with ${list(node.tokens)}`)
          .join(', ')}`
      : `${self.executorId} (host id ${self.hostId}) has the tokens ${list(self.tokens)}, but in the backup ` +
          `${namesake.executorId} (host id ${namesake.hostId}) has ${list(namesake.tokens)}`,
    { hint: 'A restore into the running cluster needs the nodes and tokens of the backup.' },
  );
}

function tokenSet(tokens: readonly string[]): string {
  return [...tokens].sort().join(' ');
}

/** Nodes with many tokens (256 in older clusters) must not fill the message. */
function list(tokens: readonly string[]): string {
  const shown = [...tokens].sort().slice(0, 4).join(', ');
  return tokens.length > 4 ? `${shown}, … (${tokens.length} tokens)` : shown || 'no tokens';
}
