import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { extract, list } from 'tar';
import { buildExecutor } from '../../scripts/lib/executor-bundle.ts';
import { temporaryDirectory } from '../cassandra/real-cassandra.ts';

test('the same sources give the same bundle, so that agents keep what they have', async (t) => {
  const directory = await temporaryDirectory(t);
  const [one, other] = [join(directory, 'one'), join(directory, 'other')];
  await buildExecutor(one);
  await buildExecutor(other);
  t.true((await readFile(one)).equals(await readFile(other)));
});

test('the bundle holds what an executor needs and nothing else', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'executor.tgz');
  await buildExecutor(file);
  const paths: string[] = [];
  let program = '';
  await list({
    file,
    onReadEntry: (entry) => {
      paths.push(entry.path);
      if (entry.path.endsWith('.mjs')) entry.on('data', (chunk: Buffer) => (program += chunk.toString('latin1')));
    },
  });
  // Libraries of stores, which are read when they are needed.
  const chunk = /^executor\/dist\/bin\/[\w.-]+-[A-Z0-9]{8}\.mjs$/;
  t.true(paths.some((path) => chunk.test(path)));
  const named = paths.filter((path) => !chunk.test(path));
  t.deepEqual(named, [
    'executor/dist/bin/copy-worker.mjs',
    'executor/dist/bin/executor.mjs',
    'executor/dist/bin/hash-worker.mjs',
    'executor/jolokia.jar',
    'executor/proto/cassandra/v1/node.proto',
    'executor/proto/mesos/v1/executor.proto',
    'executor/proto/mesos/v1/mesos.proto',
    'executor/proto/mesos/v1/scheduler.proto',
  ]);
  for (const library of ['better-sqlite3', 'koa', 'commander', 'tar', 'send']) {
    t.false(program.includes(`// node_modules/${library}/`), library);
  }
});

test('every module of the bundle can be read, also those that few executors need', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'executor.tgz');
  await buildExecutor(file);
  await extract({ file, cwd: directory });
  const modules = globSync('executor/dist/bin/*.mjs', { cwd: directory });
  t.true(modules.length > 3);
  for (const each of modules) {
    t.notThrows(() => execFileSync(process.execPath, ['--check', join(directory, each)], { stdio: 'pipe' }), each);
  }
});
