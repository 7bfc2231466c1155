import type { Database } from 'better-sqlite3';
import type { Schedule } from '../model/schedule.ts';

/** The schedules by name. */
export type ScheduleStore = ReturnType<typeof scheduleStore>;

interface Row {
  document: string;
}

export function scheduleStore(db: Database) {
  const get = db.prepare<[string], Row>('SELECT document FROM schedules WHERE name = ?');
  const all = db.prepare<[], Row>('SELECT document FROM schedules ORDER BY name');
  const save = db.prepare<[string, string]>(
    'INSERT INTO schedules (name, document) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET document = excluded.document',
  );
  const remove = db.prepare<[string]>('DELETE FROM schedules WHERE name = ?');
  return {
    get(name: string): Schedule | null {
      const row = get.get(name);
      return row === undefined ? null : scheduleOf(row);
    },
    all: (): Schedule[] => all.all().map(scheduleOf),
    save: (schedule: Schedule): void => void save.run(schedule.name, JSON.stringify(schedule)),
    /** False: there was none. */
    delete: (name: string): boolean => remove.run(name).changes > 0,
  };
}

function scheduleOf({ document }: Row): Schedule {
  return JSON.parse(document) as Schedule;
}
