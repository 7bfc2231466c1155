/** Settings that a node's Cassandra was started with and that are others now; a restart applies them. */
export type PendingChanges = Record<string, { from: unknown; to: unknown }>;

/** By executor id, as the configuration tells them; only nodes that have any. */
export function pendingChanges(config: Record<string, unknown>): Record<string, PendingChanges> {
  return (config['pendingChanges'] ?? {}) as Record<string, PendingChanges>;
}
