import { access, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { jolokiaConfiguration, writeConfiguration } from '../../src/cassandra/configuration.ts';
import { inspectDistribution } from '../../src/cassandra/distribution.ts';
import { nodePaths } from '../../src/cassandra/paths.ts';
import { CassandraProcess } from '../../src/cassandra/process.ts';
import type { OperatorError } from '../../src/errors.ts';
import { dependencies, JAVA, smallNode, temporaryDirectory } from './real-cassandra.ts';
import { request } from './request.ts';

// Starts that succeed are in live-node.test.ts. Serial: each starts a JVM.

test.serial('a start that Cassandra refuses says why in its words, and frees the data', async (t) => {
  const directory = await temporaryDirectory(t);
  const wanted = { ...(await smallNode(directory, '127.0.0.22')), cassandraYaml: { no_such_setting: 1 } };
  const server = await CassandraProcess.start(wanted, dependencies(directory));
  const error = await t.throwsAsync<OperatorError>(server.ready());
  t.is(error.code, 'CASSANDRA_ERROR');
  t.regex(error.message, /ended before it was ready \(exit code \d+\)/);
  t.regex(error.message, /no_such_setting/);
  t.true(error.hint?.includes(join(directory, 'sandbox/logs/system.log')));
  for (const base of server.paths.bases) t.false((await readdir(base)).includes('node.lock'));
});

test.serial('a JVM that does not come to Cassandra says why', async (t) => {
  const directory = await temporaryDirectory(t);
  const wanted = { ...(await smallNode(directory, '127.0.0.22')), jvmOptions: ['-XX:NoSuchOption'] };
  const server = await CassandraProcess.start(wanted, dependencies(directory));
  await t.throwsAsync(server.ready(), { message: /NoSuchOption/ });
});

test.serial(
  'data on a volume that is a link in the sandbox are known by where they are, and Java by its archive',
  async (t) => {
    const directory = await temporaryDirectory(t);
    const [volume, sandbox] = [join(directory, 'volume'), join(directory, 'sandbox')];
    const unpacked = join(sandbox, 'jdk/jdk-17/bin');
    await mkdir(volume);
    await mkdir(unpacked, { recursive: true });
    await symlink(volume, join(sandbox, 'data-0'));
    await writeFile(join(unpacked, 'java'), `#!/bin/sh\nexec ${JAVA} "$@"\n`, { mode: 0o755 });
    const wanted = { ...(await smallNode(directory, '127.0.0.22')), dataDirectories: ['data-0'], javaHome: 'jdk' };
    const deps = { ...dependencies(directory), java: 'no-java' };
    const server = await CassandraProcess.start({ ...wanted, jvmOptions: ['-XX:NoSuchOption'] }, deps);
    await server.exited;
    t.deepEqual(server.paths.data, [join(volume, wanted.executorId, 'data')]);
    const yaml = await readFile(join(server.paths.configuration, 'cassandra.yaml'), 'utf8');
    t.true(yaml.includes(join(volume, wanted.executorId, 'commitlog')));
    t.false(yaml.includes(sandbox));
  },
);

test('a volume that is not there is not made up', async (t) => {
  const directory = await temporaryDirectory(t);
  await mkdir(join(directory, 'sandbox'));
  await symlink(join(directory, 'gone'), join(directory, 'sandbox/data-0'));
  const wanted = { ...(await smallNode(directory, '127.0.0.22')), dataDirectories: ['data-0'] };
  await t.throwsAsync(CassandraProcess.start(wanted, dependencies(directory)), { message: /data directory .*data-0/ });
});

test.serial('a wait for the start ends with its signal, and a kill with the name of the signal', async (t) => {
  const directory = await temporaryDirectory(t);
  const server = await CassandraProcess.start(await smallNode(directory, '127.0.0.22'), dependencies(directory));
  const reason = new Error('enough');
  const controller = new AbortController();
  const waiting = server.ready({ signal: controller.signal, onProgress: () => controller.abort(reason) });
  t.is(await t.throwsAsync(waiting), reason);

  const another = t.throwsAsync(server.ready(), { message: /ended before it was ready \(SIGKILL\)/ });
  process.kill(server.pid, 'SIGKILL');
  t.deepEqual(await server.stop({ drain: true, graceMs: 10_000 }), { code: null, signal: 'SIGKILL' });
  await another;
});

test('what cannot be started is refused before anything is made', async (t) => {
  const directory = await temporaryDirectory(t);
  const wanted = await smallNode(directory, '127.0.0.22');
  const refused = async (start: Promise<unknown>, words: RegExp) => {
    const error = await t.throwsAsync<OperatorError>(start);
    t.is(error.code, 'BAD_REQUEST');
    t.regex(error.message, words);
  };
  const deps = dependencies(directory);
  await refused(CassandraProcess.start({ ...wanted, cassandraHome: 'nowhere' }, deps), /sandbox\/nowhere\/lib/);
  await refused(CassandraProcess.start(wanted, { ...deps, java: join(directory, 'no-java') }), /no-java -version/);
  t.deepEqual(await readdir(directory), []);
});

test('a port that another process has is named before a JVM is started, and the data stays free', async (t) => {
  const directory = await temporaryDirectory(t);
  const wanted = await smallNode(directory, '127.0.0.22');
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(wanted.ports.jolokia, '127.0.0.1', resolve));
  t.teardown(() => other.close());
  const error = await t.throwsAsync<OperatorError>(CassandraProcess.start(wanted, dependencies(directory)));
  t.is(error.code, 'CASSANDRA_ERROR');
  t.true(error.message.includes(`jolokia port ${wanted.ports.jolokia} at 127.0.0.1: listen EADDRINUSE`), error.message);
  t.false(error.message.includes('native port'));
  t.deepEqual(await readdir(join(directory, 'disk-0', wanted.executorId)), []);
});

test("Maven's jars and an unpacked distribution are both known for what they are", async (t) => {
  const home = await temporaryDirectory(t);
  const lib = join(home, 'lib');
  await mkdir(lib);
  await writeFile(join(lib, 'jamm-0.3.2.jar'), '');
  await t.throwsAsync(inspectDistribution(home), { message: /expected apache-cassandra-<version>\.jar/ });
  await writeFile(join(lib, 'apache-cassandra-4.1.9.jar'), '');
  t.deepEqual(await inspectDistribution(home), { lib, jamm: join(lib, 'jamm-0.3.2.jar'), version: '4.1.9' });
  t.is((await inspectDistribution((await smallNode(home, '127.0.0.22')).cassandraHome)).version, '5.0.5');
});

test('the password is written where only we can read it, also over a file of before', async (t) => {
  const directory = await temporaryDirectory(t);
  const paths = nodePaths([join(directory, 'base')], 'e', directory);
  await mkdir(paths.configuration, { recursive: true });
  await writeFile(jolokiaConfiguration(paths), 'old', { mode: 0o644 });
  await writeConfiguration(request(), paths, '5.0.5', { port: 1, user: 'u', password: 'p' });
  t.is((await stat(jolokiaConfiguration(paths))).mode & 0o777, 0o600);
  for (const made of [...paths.data, ...paths.staging, paths.commitlog, paths.hints]) {
    await t.notThrowsAsync(access(made));
  }
});
