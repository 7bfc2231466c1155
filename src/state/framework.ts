import type { Database } from 'better-sqlite3';

/** What the scheduler knows of itself, by key. */
export type FrameworkStore = ReturnType<typeof frameworkStore>;

export function frameworkStore(db: Database) {
  const get = db.prepare<[string], { value: string }>('SELECT value FROM framework WHERE key = ?');
  const set = db.prepare<[string, string]>(
    'INSERT INTO framework (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  const remove = db.prepare<[string]>('DELETE FROM framework WHERE key = ?');
  return {
    /** Null when the key was never set. */
    get: (key: string): string | null => get.get(key)?.value ?? null,
    set: (key: string, value: string): void => void set.run(key, value),
    delete: (key: string): void => void remove.run(key),
  };
}
