import test from 'ava';
import { error, id, START } from './helpers.ts';
import { finish, PARTIAL, refused, rig } from './rig.ts';

test('a name is used once, however its backup ended', async (t) => {
  const made = rig(t);
  await made.jobs.start('BACKUP', { name: 'b1' });
  made.jobs.abort('BACKUP', false);
  finish(made);
  const thrown = await refused(t, made.jobs.start('BACKUP', { name: 'b1' }), 'NAME_TAKEN');
  t.regex(thrown.message, /by job 1 \(INCOMPLETE\)/);
  await t.notThrowsAsync(made.jobs.start('BACKUP', { name: 'b1', location: 'file:///elsewhere' }));
});

for (const state of ['COMPLETE', 'PARTIAL', 'INCOMPLETE', 'DAMAGED'] as const) {
  test(`a name that is ${state} at the location is taken`, async (t) => {
    const made = rig(t);
    made.found = { state, message: null };
    await refused(t, made.jobs.start('BACKUP', { name: 'b1' }), 'NAME_TAKEN');
    t.is(made.jobs.running(), null);
  });
}

test('a location that cannot be seen from here takes no name', async (t) => {
  const made = rig(t);
  made.found = { state: 'UNKNOWN', message: null };
  await t.notThrowsAsync(made.jobs.start('BACKUP', { name: 'b1' }));
});

test('a whole backup is restored', async (t) => {
  const made = rig(t);
  made.found = { state: 'COMPLETE', message: null };
  const job = await made.jobs.start('RESTORE', { name: 'from-elsewhere' });
  t.like(job, { type: 'RESTORE', backupName: 'from-elsewhere' });
  t.is(made.state.backups.find('file:///backup', 'from-elsewhere'), null);
  t.is(finish(made).result, 'SUCCESS');
});

for (const [state, code] of [
  ['ABSENT', 'BACKUP_NOT_FOUND'],
  ['INCOMPLETE', 'BACKUP_INCOMPLETE'],
  ['PARTIAL', 'BACKUP_INCOMPLETE'],
  ['DAMAGED', 'BACKUP_DAMAGED'],
] as const) {
  test(`a backup that is ${state} at the location is not restored, with what is known`, async (t) => {
    const made = rig(t);
    made.found = { state, message: 'node 7 is missing' };
    const thrown = await refused(t, made.jobs.start('RESTORE', { name: 'b1' }), code);
    if (state !== 'ABSENT') t.regex(thrown.message, /node 7 is missing/);
    t.is(made.jobs.running(), null);
  });
}

test('a backup that was removed from its location is not found, whatever is remembered', async (t) => {
  const made = rig(t);
  await made.jobs.start('BACKUP', { name: 'b1' });
  t.is(finish(made).result, 'SUCCESS');
  const thrown = await refused(t, made.jobs.start('RESTORE', { name: 'b1' }), 'BACKUP_NOT_FOUND');
  t.regex(thrown.message, /job 1 made one, it is not there any more/);
});

test('where the location cannot be seen, what is remembered decides', async (t) => {
  const made = rig(t);
  made.found = { state: 'UNKNOWN', message: null };
  await made.jobs.start('BACKUP', { name: 'whole' });
  finish(made);
  await made.jobs.start('BACKUP', { name: 'half' });
  finish(made, PARTIAL);
  await made.jobs.start('BACKUP', { name: 'none' });
  made.jobs.abort('BACKUP', true);
  finish(made, () => 'KILLED');
  const half = await refused(t, made.jobs.start('RESTORE', { name: 'half' }), 'BACKUP_INCOMPLETE');
  t.true(half.message.includes(`${id(1)}: disk full`));
  await refused(t, made.jobs.start('RESTORE', { name: 'none' }), 'BACKUP_INCOMPLETE');
  await t.notThrowsAsync(made.jobs.start('RESTORE', { name: 'whole' }));
});

test('whole keyspaces of a partial backup can be asked for, the nodes check them', async (t) => {
  const made = rig(t);
  made.found = { state: 'PARTIAL', message: 'ks2 of node 1' };
  await t.notThrowsAsync(made.jobs.start('RESTORE', { name: 'half', keyspaces: ['ks1'] }));
});

test('a name that nobody here knows is left to the nodes where only they can see', async (t) => {
  const made = rig(t);
  made.found = { state: 'UNKNOWN', message: null };
  await t.notThrowsAsync(made.jobs.start('RESTORE', { name: 'b1', location: 'file:///on/the/nodes' }));
});

test("in the nodes' sandboxes lies only what this scheduler knows", async (t) => {
  const made = rig(t);
  await refused(t, made.jobs.start('RESTORE', { name: 'b1', location: 'backup' }), 'BACKUP_NOT_FOUND');
  await made.jobs.start('BACKUP', { name: 'b1', location: './backup' });
  finish(made);
  await t.notThrowsAsync(made.jobs.start('RESTORE', { name: 'b1', location: './backup/' }));
  t.deepEqual(made.asked, []);
});

for (const [script, result, state] of [
  [undefined, 'SUCCESS', 'COMPLETE'],
  [PARTIAL, 'PARTIAL', 'PARTIAL'],
  [
    ({ phase }: { phase: string }) => (phase === 'backup' ? error('NO_SPACE', 'full') : undefined),
    'FAILURE',
    'INCOMPLETE',
  ],
] as const) {
  test(`a backup that ends in ${result} is ${state} in the catalogue`, async (t) => {
    const made = rig(t);
    const { id: jobId } = await made.jobs.start('BACKUP', { name: 'b1' });
    const job = finish(made, script);
    t.is(job.result, result);
    const summary = made.state.backups.find('file:///backup', 'b1')?.summary ?? null;
    t.is(summary?.state, state === 'INCOMPLETE' ? undefined : state);
    t.deepEqual(made.state.backups.find('file:///backup', 'b1'), {
      location: 'file:///backup',
      name: 'b1',
      jobId,
      state,
      started: START,
      finished: job.finished,
      summary,
    });
  });
}

test('a backup that no node could begin is not remembered, so that a mistyped location is not listed for ever', async (t) => {
  const made = rig(t);
  const location = 'file:///mistyped';
  const start = () => made.jobs.start('BACKUP', { name: 'b1', location });
  await start();
  const job = finish(made, ({ phase }) =>
    phase === 'preflight' ? error('STORAGE_FAILED', 'no such bucket') : undefined,
  );
  t.is(job.result, 'FAILURE');
  t.is(made.state.backups.find(location, 'b1'), null);
  t.deepEqual(made.state.backups.locations(), []);

  // One that was begun is known as it is.
  await start();
  finish(made, ({ phase }) => (phase === 'backup' ? error('NO_SPACE', 'full') : undefined));
  t.is(made.state.backups.find(location, 'b1')?.state, 'INCOMPLETE');
});
