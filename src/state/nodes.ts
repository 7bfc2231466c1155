import type { Database } from 'better-sqlite3';
import { newNode, type ClusterNode } from '../model/node.ts';

interface Row {
  executor_info: Buffer | null;
  document: string;
}

/** The nodes of the ring. */
export type NodeStore = ReturnType<typeof nodeStore>;

export function nodeStore(db: Database) {
  const all = db.prepare<[], Row>('SELECT executor_info, document FROM nodes ORDER BY number');
  const get = db.prepare<[string], Row>('SELECT executor_info, document FROM nodes WHERE executor_id = ?');
  const save = db.prepare<[number, string, Uint8Array | null, string]>(
    `INSERT INTO nodes (number, executor_id, executor_info, document) VALUES (?, ?, ?, ?)
     ON CONFLICT (number) DO UPDATE SET executor_info = excluded.executor_info, document = excluded.document`,
  );
  const remove = db.prepare<[string]>('DELETE FROM nodes WHERE executor_id = ?');
  const nextNumber = db.prepare<[], { value: string }>(
    `INSERT INTO framework (key, value) VALUES ('nextNodeNumber', '1')
     ON CONFLICT DO UPDATE SET value = CAST(value + 1 AS TEXT) RETURNING value`,
  );
  return {
    /** By number. */
    all: (): ClusterNode[] => all.all().map(nodeOf),

    get(executorId: string): ClusterNode | null {
      const row = get.get(executorId);
      return row ? nodeOf(row) : null;
    },

    save(node: ClusterNode): void {
      const { executorInfo, ...document } = node;
      save.run(node.number, node.executorId, executorInfo, JSON.stringify(document));
    },

    /** Forgets a node for good; its number stays used. */
    delete: (executorId: string): void => void remove.run(executorId),

    /** The number of the next new node: 0, 1, 2 …, each given out once in the life of this state. */
    nextNumber: (): number => Number(nextNumber.get()?.value) - 1,
  };
}

function nodeOf(row: Row): ClusterNode {
  const executorInfo = row.executor_info === null ? null : new Uint8Array(row.executor_info);
  // What an older version did not know of a node is as with a new one.
  return { ...newNode('', 0, false), ...(JSON.parse(row.document) as Omit<ClusterNode, 'executorInfo'>), executorInfo };
}
