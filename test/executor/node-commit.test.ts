import test from 'ava';
import { nodeCommit } from '../../src/executor/node-commit.ts';
import { makeHost } from '../helpers/step-context.ts';

test('the record is written once, and another one under its name is refused', async (t) => {
  const host = await makeHost(t);
  const step = { phase: 'commit' as const, record: '{"a":1}\n' };
  await nodeCommit(host.context(step));
  await nodeCommit(host.context(step));
  t.is(await host.storage.getDocument('dev/backups/monday.json'), '{"a":1}\n');
  await t.throwsAsync(nodeCommit(host.context({ ...step, record: '{"a":2}\n' })), { code: 'NAME_TAKEN' });
});
