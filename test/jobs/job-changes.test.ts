import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import type { JobListener } from '../../src/jobs/job-changes.ts';
import { finish, rig } from './rig.ts';

type Heard = Parameters<JobListener>;

test('A listener hears of a start, of each change and of the end, once they are stored', async (t) => {
  const made = rig(t);
  const heard: Heard[] = [];
  made.jobs.onChange((...change) => heard.push(change));
  const job = await made.jobs.start('BACKUP', { name: 'monday' });
  await setImmediate();
  t.deepEqual(heard, [[job, null]]);
  made.jobs.abort('BACKUP', false);
  await setImmediate();
  t.like(heard.at(-1)?.[0], { id: job.id, aborted: true });
  t.is(heard.at(-1)?.[1], job);
  finish(made);
  await setImmediate();
  t.not(heard.at(-1)?.[0].finished, null);
});

test('Several changes of one transaction are heard as one, and what was rolled back is not', async (t) => {
  const { jobs, state } = rig(t);
  const job = await jobs.start('BACKUP', { name: 'monday' });
  const heard: Heard[] = [];
  jobs.onChange((...change) => heard.push(change));
  state.transaction(() => {
    jobs.abort('BACKUP', false);
    jobs.abort('BACKUP', true);
  });
  await setImmediate();
  t.is(heard.length, 1);
  t.like(heard[0]?.[0], { aborted: true, abortNow: true });
  t.is(heard[0]?.[1], job);
  const undone = (): void =>
    state.transaction(() => {
      jobs.update(job.id, (current) => ({ ...current, errors: [] }));
      throw new Error('rolled back');
    });
  t.throws(undone, { message: 'rolled back' });
  await setImmediate();
  t.is(heard.length, 1);
});

test('Who listens no more is told nothing', async (t) => {
  const { jobs } = rig(t);
  const heard: Heard[] = [];
  const stop = jobs.onChange((...change) => heard.push(change));
  stop();
  await jobs.start('BACKUP', { name: 'monday' });
  await setImmediate();
  t.deepEqual(heard, []);
});
