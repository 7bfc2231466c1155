import test from 'ava';
import type { DirectRenaming } from '../../../src/cli/deps.ts';
import { startApi } from '../../api/helpers.ts';
import { cli, startHere } from '../helpers.ts';

const COMMAND = ['backup', 'rename-executor', '--from', 'old', '--to', 'new'];

test('A renaming is a job of the scheduler where one answers', async (t) => {
  const api = await startApi(t);
  const { code, stdout } = await cli(api, ...COMMAND, '--location', 'file:///other');
  t.is(code, 0);
  t.is(stdout, 'Started renaming of old as job 1; `renaming status` shows it.\n');
  t.like(api.jobs.running(), { type: 'RENAME', location: 'file:///other', parameters: { from: 'old', to: 'new' } });
});

test('Without a scheduler it is done on the location itself, where one is named, and says so', async (t) => {
  const api = await startApi(t);
  await api.stop();
  const asked: DirectRenaming[] = [];
  const renameDirectly = (renaming: DirectRenaming) => {
    asked.push(renaming);
    return Promise.resolve({ backups: ['monday', 'tuesday'], files: 16, bytes: 4096 });
  };
  const done = await startHere([...COMMAND, '--location', '/mnt/backup', '--dry-run'], {
    url: api.url,
    renameDirectly,
  }).ends();
  t.is(done.code, 0, done.stderr);
  t.is(done.stdout, 'Would rename old to new in monday, tuesday: 16 files, 4.0 KiB.\n');
  t.regex(done.stderr, /Could not reach the scheduler.*Working on \/mnt\/backup itself/);
  t.deepEqual(asked, [{ location: '/mnt/backup', from: 'old', to: 'new', dryRun: true }]);
  const refused = await startHere(COMMAND, { url: api.url, renameDirectly }).ends();
  t.is(refused.code, 1);
  t.regex(refused.stderr, /Could not reach the scheduler/);
});
