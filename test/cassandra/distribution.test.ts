import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { inspectDistribution } from '../../src/cassandra/distribution.ts';

async function aHome(t: ExecutionContext, folders: string[]): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'distribution-'));
  t.teardown(() => rm(home, { recursive: true }));
  for (const folder of folders) {
    await mkdir(join(home, folder), { recursive: true });
    for (const jar of ['apache-cassandra-5.0.5.jar', 'jamm-0.4.0.jar']) await writeFile(join(home, folder, jar), '');
  }
  return home;
}

test('Cassandra is found in its home, and where an archive unpacked to', async (t) => {
  for (const folder of ['lib', 'apache-cassandra-5.0.5/lib']) {
    const home = await aHome(t, [folder]);
    t.like(await inspectDistribution(home), { lib: join(home, folder), version: '5.0.5' });
  }
});

test('two unpacked archives are no answer to which one is meant', async (t) => {
  const home = await aHome(t, ['a/lib', 'b/lib']);
  await t.throwsAsync(inspectDistribution(home), { code: 'BAD_REQUEST', message: /lib/ });
});
