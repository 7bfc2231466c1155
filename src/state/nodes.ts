import type { Database } from 'better-sqlite3';
import { newNode, type ClusterNode } from '../model/node.ts';
import type { Transactions } from './transactions.ts';

interface Row {
  executor_info: Buffer | null;
  document: string;
}

/** The nodes of the ring. Read once and kept in memory: what is handed out is shared, and not to be changed. */
export type NodeStore = ReturnType<typeof nodeStore>;

export function nodeStore(db: Database, transactions: Transactions) {
  const read = db.prepare<[], Row>('SELECT executor_info, document FROM nodes ORDER BY number');
  const write = db.prepare<[number, string, Uint8Array | null, string]>(
    `INSERT INTO nodes (number, executor_id, executor_info, document) VALUES (?, ?, ?, ?)
     ON CONFLICT (number) DO UPDATE SET executor_info = excluded.executor_info, document = excluded.document`,
  );
  const remove = db.prepare<[string]>('DELETE FROM nodes WHERE executor_id = ?');
  const nextNumber = db.prepare<[], { value: string }>(
    `INSERT INTO framework (key, value) VALUES ('nextNodeNumber', '1')
     ON CONFLICT DO UPDATE SET value = CAST(value + 1 AS TEXT) RETURNING value`,
  );
  const ring = new Ring(read.all().map(nodeOf), transactions);
  return {
    /** By number. The same array as long as no node has changed. */
    all: (): ClusterNode[] => ring.all,

    get: (executorId: string): ClusterNode | null => ring.get(executorId),

    /** The node whose server task this is. */
    byServerTask: (taskId: string): ClusterNode | null => ring.byServerTask(taskId),

    /**
     * Stores a node. Its health is only kept in memory: a scheduler that starts takes no earlier one's word for
     * it, and so a node that tells how it is costs no write.
     */
    save(node: ClusterNode): void {
      const before = ring.get(node.executorId);
      if (before === null || !isStored(node, before)) {
        const { executorInfo, ...document } = node;
        const text = JSON.stringify({ ...document, health: null, healthAt: null });
        write.run(node.number, node.executorId, executorInfo, text);
      }
      ring.put(node);
    },

    /** Forgets a node for good; its number stays used. */
    delete(executorId: string): void {
      remove.run(executorId);
      ring.remove(executorId);
    },

    /** The number of the next new node: 0, 1, 2 …, each given out once in the life of this state. */
    nextNumber: (): number => Number(nextNumber.get()?.value) - 1,
  };
}

/** True when `node` differs from what is stored in nothing that is written down. */
function isStored(node: ClusterNode, stored: ClusterNode): boolean {
  return (Object.keys(node) as (keyof ClusterNode)[]).every(
    (key) => key === 'health' || key === 'healthAt' || node[key] === stored[key],
  );
}

/** The nodes in memory, by number, by executor id and by server task. */
class Ring {
  readonly #transactions: Transactions;
  readonly #nodes = new Map<string, ClusterNode>();
  readonly #byServerTask = new Map<string, string>();
  /** Null: to be made anew. */
  #all: ClusterNode[] | null = null;

  constructor(nodes: ClusterNode[], transactions: Transactions) {
    this.#transactions = transactions;
    for (const node of nodes) this.#set(node.executorId, node);
  }

  get all(): ClusterNode[] {
    this.#all ??= [...this.#nodes.values()].sort((a, b) => a.number - b.number);
    return this.#all;
  }

  get(executorId: string): ClusterNode | null {
    return this.#nodes.get(executorId) ?? null;
  }

  byServerTask(taskId: string): ClusterNode | null {
    return this.get(this.#byServerTask.get(taskId) ?? '');
  }

  put(node: ClusterNode): void {
    this.#change(node.executorId, node);
  }

  remove(executorId: string): void {
    if (this.#nodes.has(executorId)) this.#change(executorId, null);
  }

  #change(executorId: string, node: ClusterNode | null): void {
    const before = this.get(executorId);
    this.#set(executorId, node);
    this.#transactions.changed(() => this.#set(executorId, before));
  }

  #set(executorId: string, node: ClusterNode | null): void {
    const before = this.get(executorId);
    if (before?.serverTaskId) this.#byServerTask.delete(before.serverTaskId);
    if (node?.serverTaskId) this.#byServerTask.set(node.serverTaskId, executorId);
    if (node) this.#nodes.set(executorId, node);
    else this.#nodes.delete(executorId);
    // The usual change: one node is another than before, and the rest stay where they are.
    this.#all = before && node && this.#all ? this.#all.with(this.#all.indexOf(before), node) : null;
  }
}

function nodeOf(row: Row): ClusterNode {
  const executorInfo = row.executor_info === null ? null : new Uint8Array(row.executor_info);
  // What an older version did not know of a node is as with a new one.
  const document = JSON.parse(row.document) as Omit<ClusterNode, 'executorInfo'>;
  return { ...newNode('', 0, false), ...document, executorInfo, health: null, healthAt: null };
}
