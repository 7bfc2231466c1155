import test from 'ava';
import { cli } from '../../cli/helpers.ts';
import { startApi } from '../helpers.ts';

test('A backup that is not whole is resumed by REST and by the command line', async (t) => {
  for (const found of ['INCOMPLETE', 'PARTIAL'] as const) {
    const api = await startApi(t, { found });
    const { status, body } = await api.call('POST', '/cluster/backup/start?name=b0&resume=true');
    t.is(status, 200);
    t.deepEqual(body, { started: true, name: 'b0', job: 1 });
    t.true(api.jobs.get(1)?.parameters.resume);
  }
  const api = await startApi(t, { found: 'INCOMPLETE' });
  t.is((await cli(api, 'backup', 'start', '--name', 'b0', '--resume')).code, 0);
  t.true(api.jobs.get(1)?.parameters.resume);
});

test('What cannot be resumed is answered with its own status and code', async (t) => {
  for (const [found, status, code] of [
    ['ABSENT', 404, 'BACKUP_NOT_FOUND'],
    ['UNKNOWN', 404, 'BACKUP_NOT_FOUND'],
    ['COMPLETE', 409, 'NAME_TAKEN'],
    ['DELETING', 409, 'BACKUP_INCOMPLETE'],
    ['DAMAGED', 409, 'BACKUP_DAMAGED'],
  ] as const) {
    const api = await startApi(t, { found });
    const answer = await api.call('POST', '/cluster/backup/start?name=b0&resume=true');
    t.is(answer.status, status, found);
    t.like(answer.body, { started: false, error: { code } });
    t.is(api.jobs.list().length, 0);
  }
});

test('A restore takes no resume, and says that it needs none', async (t) => {
  const api = await startApi(t);
  const { status, body } = await api.call('POST', '/cluster/restore/start?name=b0&resume=true');
  t.is(status, 400);
  t.regex(body.error.message, /resume: a restore always uses what an earlier one has staged/);
});
