import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { OperatorError } from '../../src/errors.ts';
import { checkNodeVersion, openState } from '../../src/state/database.ts';
import { MIGRATIONS } from '../../src/state/migrations.ts';
import { id, node } from '../jobs/helpers.ts';
import { newJob, newState, statePath } from './helpers.ts';

/** Another process that has the state file open. */
async function holder(t: ExecutionContext, path: string, ...mode: string[]): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('holder.ts', import.meta.url));
  const child = spawn(process.execPath, [script, path, ...mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [first] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown];
  t.is(String(first), 'ready\n');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

test('a state file is made with its directories and keeps what was stored', (t) => {
  const path = statePath(t).replace('state.sqlite', 'some/where/state.sqlite');
  const first = openState(path);
  first.framework.set('frameworkId', 'f-1');
  first.nodes.save(node(3));
  first.close();
  const second = openState(path);
  t.teardown(() => second.close());
  t.is(second.framework.get('frameworkId'), 'f-1');
  t.deepEqual(second.nodes.all(), [node(3, { health: null, healthAt: null })]);
});

test('a transaction that throws leaves nothing behind', (t) => {
  const state = newState(t);
  t.throws(
    () =>
      state.transaction(() => {
        state.framework.set('key', 'value');
        state.transaction(() => state.nodes.save(node(0)));
        throw new Error('no');
      }),
    { message: 'no' },
  );
  t.is(state.framework.get('key'), null);
  t.deepEqual(state.nodes.all(), []);
  t.is(state.nodes.get(id(0)), null);
});

test('what a transaction had changed before it threw is as it was: nodes, their tasks, jobs', (t) => {
  const state = newState(t);
  const [first, second] = [node(0), node(1)];
  state.nodes.save(first);
  state.nodes.save(second);
  const job = state.jobs.insert(newJob('BACKUP', 'u1'));
  t.throws(() =>
    state.transaction(() => {
      state.nodes.save({ ...first, serverTaskId: 'another', serverState: 'LAUNCHING' });
      state.nodes.save({ ...first, serverTaskId: 'yet another' });
      state.nodes.delete(second.executorId);
      state.jobs.save({ ...job, finished: 5, result: 'FAILURE' }, job);
      state.jobs.insert(newJob('BACKUP', 'u2'));
      throw new Error('no');
    }),
  );
  t.deepEqual(state.nodes.all(), [first, second]);
  t.is(state.nodes.byServerTask(first.serverTaskId ?? ''), first);
  t.is(state.nodes.byServerTask('another'), null);
  t.is(state.jobs.running(), job);
  t.is(state.jobs.last('BACKUP'), null);
  t.deepEqual(state.jobs.list(9), [job]);
});

test('a part of a transaction that fails takes back its own changes only', (t) => {
  const path = statePath(t);
  const state = openState(path);
  state.transaction(() => {
    state.nodes.save(node(0));
    t.throws(() =>
      state.transaction(() => {
        state.nodes.save(node(0, { lastError: 'half done' }));
        state.nodes.save(node(1));
        throw new Error('no');
      }),
    );
    t.deepEqual(state.nodes.all(), [node(0)]);
    state.nodes.save(node(2));
  });
  t.deepEqual(state.nodes.all(), [node(0), node(2)]);
  state.close();
  const again = openState(path);
  t.teardown(() => again.close());
  t.deepEqual(
    again.nodes.all().map(({ number, lastError }) => [number, lastError]),
    [
      [0, null],
      [2, null],
    ],
  );
});

test('a save that SQLite refuses changes nothing in memory', (t) => {
  const state = newState(t);
  state.nodes.save(node(0));
  t.throws(() => state.nodes.save({ ...node(1), executorId: id(0) }), { message: /constraint failed/ });
  t.deepEqual(state.nodes.all(), [node(0)]);
});

test('the file is in WAL mode and says its schema version', (t) => {
  const path = statePath(t);
  openState(path).close();
  const db = new Database(path, { readonly: true });
  t.teardown(() => db.close());
  t.is(db.pragma('journal_mode', { simple: true }), 'wal');
  t.is(db.pragma('user_version', { simple: true }), MIGRATIONS.length);
});

test('a second scheduler on the same file is refused by the name of the first', async (t) => {
  const path = statePath(t);
  const child = await holder(t, path);
  const error = t.throws(() => openState(path), { instanceOf: OperatorError });
  t.regex(error.message, new RegExp(`in use by process ${child.pid} `));
  t.truthy(error.hint);
});

test('a second opening in the same process is refused too, and works after a close', (t) => {
  const path = statePath(t);
  const first = openState(path);
  t.throws(() => openState(path), { message: new RegExp(`in use by process ${process.pid} `) });
  first.close();
  t.notThrows(() => openState(path).close());
});

test('the file of a scheduler that was killed is taken over', async (t) => {
  const path = statePath(t);
  await kill(await holder(t, path));
  const state = openState(path);
  t.teardown(() => state.close());
  t.is(state.framework.get('before'), 'stored');
});

test('what a killed scheduler was in the middle of never happened', async (t) => {
  const path = statePath(t);
  await kill(await holder(t, path, 'write'));
  const state = openState(path);
  t.teardown(() => state.close());
  t.is(state.framework.get('before'), 'stored');
  t.deepEqual(state.nodes.all(), []);
});

test('a file that a newer version made is refused and left as it is', (t) => {
  const path = statePath(t);
  openState(path, [...MIGRATIONS, 'CREATE TABLE from_the_future (x INTEGER)']).close();
  const error = t.throws(() => openState(path), { instanceOf: OperatorError });
  const known = MIGRATIONS.length;
  t.true(error.message.includes(`schema version ${known + 1}, this program knows versions up to ${known}`));
  t.notThrows(() => openState(path, [...MIGRATIONS, '']).close());
});

test('an older file is brought up to date with its data, once', (t) => {
  const path = statePath(t);
  const old = openState(path);
  old.framework.set('frameworkId', 'f-1');
  old.close();
  const newer = [...MIGRATIONS, `INSERT INTO framework VALUES ('migrated', 'yes')`];
  openState(path, newer).close();
  const state = openState(path, newer);
  t.teardown(() => state.close());
  t.is(state.framework.get('frameworkId'), 'f-1');
  t.is(state.framework.get('migrated'), 'yes');
});

test('a migration that fails leaves the file as it was', (t) => {
  const path = statePath(t);
  openState(path).close();
  const broken = `INSERT INTO framework VALUES ('half', 'done'); INSERT INTO nowhere VALUES (1)`;
  t.throws(() => openState(path, [...MIGRATIONS, broken]), { message: /no such table: nowhere/ });
  const state = openState(path);
  t.teardown(() => state.close());
  t.is(state.framework.get('half'), null);
});

test('a file that is no database is refused by its name, and let go of', (t) => {
  const path = statePath(t);
  writeFileSync(path, 'this is not a database, whatever its name says. '.repeat(100));
  const error = t.throws(() => openState(path), { instanceOf: OperatorError });
  t.true(error.message.includes(path));
  t.regex(error.message, /not a database/);
  rmSync(path);
  t.notThrows(() => openState(path).close());
});

test('an old Node.js is refused before it can crash', (t) => {
  const error = t.throws(() => checkNodeVersion('20.20.2'), { instanceOf: OperatorError });
  t.regex(error.message, /Node\.js 22 or newer, this is 20\.20\.2/);
  for (const version of ['22.18.0', '24.0.0', '100.1.0']) t.notThrows(() => checkNodeVersion(version));
});
