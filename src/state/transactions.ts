import type { Database } from 'better-sqlite3';

/**
 * Transactions of a database with values kept in memory beside it: when one is rolled back, what it changed in
 * memory is taken back as well.
 */
export class Transactions {
  readonly #db: Database;
  /** What takes the changes of the open transaction back, oldest first. */
  #undo: (() => void)[] = [];

  constructor(db: Database) {
    this.#db = db;
  }

  /** Runs `fn` in a transaction, or within the open one as a part that fails or succeeds by itself. */
  run<T>(fn: () => T): T {
    const mark = this.#undo.length;
    try {
      return this.#db.transaction(fn).immediate();
    } catch (error) {
      for (const undo of this.#undo.splice(mark).toReversed()) undo();
      throw error;
    } finally {
      if (!this.#db.inTransaction) this.#undo = [];
    }
  }

  /** To be called with each change in memory, after its statement: `undo` takes it back. */
  changed(undo: () => void): void {
    if (this.#db.inTransaction) this.#undo.push(undo);
  }
}
