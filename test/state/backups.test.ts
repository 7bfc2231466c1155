import test from 'ava';
import { nodes, planned } from '../jobs/helpers.ts';
import { newState } from './helpers.ts';

test('a backup is found by location and name, in the state that was saved last', (t) => {
  const { backups, jobs } = newState(t);
  const { id: jobId } = jobs.insert(planned('BACKUP', nodes(1)));
  const entry = {
    location: 'file:///a',
    name: 'b1',
    jobId,
    state: 'RUNNING',
    started: 1,
    finished: null,
    summary: null,
  } as const;
  backups.save(entry);
  backups.save({ ...entry, name: 'b2', started: 2 });
  t.is(backups.find('file:///other', 'b1'), null);
  t.is(backups.find('file:///a', 'b3'), null);
  backups.save({ ...entry, state: 'COMPLETE', finished: 9 });
  t.deepEqual(backups.find('file:///a', 'b1'), { ...entry, state: 'COMPLETE', finished: 9 });
  t.deepEqual(
    backups.list().map(({ name }) => name),
    ['b2', 'b1'],
  );
  backups.delete('file:///a', 'b2');
  t.is(backups.find('file:///a', 'b2'), null);
});

test('an entry stands for a job that exists', (t) => {
  const { backups } = newState(t);
  const entry = {
    location: 'file:///a',
    name: 'b1',
    jobId: 42,
    state: 'RUNNING',
    started: 1,
    finished: null,
    summary: null,
  } as const;
  t.throws(() => backups.save(entry), { code: 'SQLITE_CONSTRAINT_FOREIGNKEY' });
});
