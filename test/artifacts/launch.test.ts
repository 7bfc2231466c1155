import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { create } from 'tar';
import { buildExecutor } from '../../scripts/lib/executor-bundle.ts';
import { servedFiles, type Artifacts, type ServedFile } from '../../src/artifacts/artifacts.ts';
import { executorLaunch } from '../../src/artifacts/launch.ts';
import { prepareArtifacts } from '../../src/artifacts/prepare.ts';
import { fetchedFiles } from '../../src/artifacts/sandbox.ts';
import { sha256Of } from '../../src/artifacts/sha256.ts';
import type { SchedulerSettings } from '../../src/scheduler/settings.ts';
import { startApi } from '../api/helpers.ts';
import { makeDirectory, smallNode, temporaryDirectory } from '../cassandra/real-cassandra.ts';
import { executorOf } from '../local/processes.ts';
import { embedded } from '../mesos/helpers/mesos.ts';
import { TestScheduler } from '../mesos/helpers/scheduler.ts';
import { barePath, fetchedServer, roomyOffer, smallSources } from './agents.ts';

let directoryOfBundle: string;
let bundle: string;

test.before(async () => {
  directoryOfBundle = await makeDirectory();
  bundle = join(directoryOfBundle, 'executor.tgz');
  await buildExecutor(bundle);
});

test.after.always(() => rm(directoryOfBundle, { recursive: true, force: true }));

const SHA256 = '0f'.repeat(32);
const served = (file: string): ServedFile => ({ name: `0f0f0f0f0f0f0f0f-${file}`, path: `/${file}`, sha256: SHA256 });
const artifacts: Artifacts = {
  executor: served('executor.tgz'),
  node: served('node'),
  cassandra: served('my cassandra.tar.gz'),
  java: null,
};
const options = { baseUrl: 'http://scheduler:18080', artifacts, javaHome: null, nodeOptions: ['--a-flag'] };

test('agents fetch everything from the scheduler by names that never change their content, and unpack nothing', (t) => {
  const launch: Pick<SchedulerSettings, keyof ReturnType<typeof executorLaunch>> = executorLaunch(options);
  const rest = { extract: false, executable: false, cache: true };
  const base = 'http://scheduler:18080/artifacts/0f0f0f0f0f0f0f0f';
  t.deepEqual(launch.executorUris, [
    { value: `${base}-executor.tgz`, ...rest, outputFile: 'executor.tgz' },
    { value: `${base}-node`, ...rest, executable: true, outputFile: 'node' },
    { value: `${base}-my%20cassandra.tar.gz`, ...rest, outputFile: 'cassandra.tgz' },
  ]);
  t.deepEqual(fetchedFiles(launch.executorEnvironment), [
    { file: 'node', sha256: SHA256, unpack: null },
    { file: 'cassandra.tgz', sha256: SHA256, unpack: { to: 'cassandra', holds: 'lib' } },
  ]);
  t.like(launch, { cassandraHome: 'cassandra', jolokiaJar: 'executor/jolokia.jar', javaHome: null });
  t.regex(launch.executorCommand, /exec \.\/node --a-flag executor\/dist\/bin\/executor\.mjs$/);
});

test('what lies elsewhere is cached only where a checksum says that it never changes', (t) => {
  const cassandra = { uri: 'hdfs://files/cassandra.tgz', sha256: null };
  const node = { uri: '/opt/node', sha256: SHA256 };
  const { executorUris } = executorLaunch({ ...options, artifacts: { ...artifacts, cassandra, node } });
  t.like(executorUris, [
    { cache: true },
    { value: '/opt/node', cache: true, outputFile: 'node' },
    { value: 'hdfs://files/cassandra.tgz', cache: false, outputFile: 'cassandra.tgz' },
  ]);
});

test('Java is the one of the agents unless one is fetched', (t) => {
  t.is(executorLaunch({ ...options, javaHome: '/opt/java' }).javaHome, '/opt/java');
  const java = { uri: 'http://files/jre.tar.gz', sha256: SHA256 };
  const launch = executorLaunch({ ...options, javaHome: '/opt/java', artifacts: { ...artifacts, java } });
  t.is(launch.javaHome, 'java');
  t.like(launch.executorUris[3], { value: 'http://files/jre.tar.gz', outputFile: 'java.tgz', extract: false });
  t.like(fetchedFiles(launch.executorEnvironment)[2], { file: 'java.tgz', unpack: { to: 'java', holds: 'bin/java' } });
});

/** Runs the command in a sandbox with the real bundle, as it was fetched, on an agent without gzip. */
async function runCommand(t: ExecutionContext, change: (archive: Buffer) => Buffer) {
  const directory = await temporaryDirectory(t);
  const sha256 = await sha256Of(bundle);
  const sandbox = join(directory, 'sandbox');
  await mkdir(sandbox);
  await writeFile(join(sandbox, 'executor.tgz'), change(readFileSync(bundle)));
  await symlink(process.execPath, join(sandbox, 'node'));
  const executor = { name: 'any', path: bundle, sha256 };
  const { executorCommand } = executorLaunch({ ...options, nodeOptions: [], artifacts: { ...artifacts, executor } });
  const env = { PATH: await barePath(directory) };
  const running = promisify(execFile)('/bin/sh', ['-c', executorCommand], { cwd: sandbox, env });
  const error = (await t.throwsAsync(running)) as unknown as { code: number; stderr: string };
  return { ...error, sha256, got: await sha256Of(join(sandbox, 'executor.tgz')) };
}

test('the executor starts from its bundle where there is no gzip', async (t) => {
  const { code, stderr } = await runCommand(t, (archive) => archive);
  t.is(code, 2);
  t.regex(stderr, /^cassandra-mesos: Expected the environment variable MESOS_AGENT_ENDPOINT/);
});

/** The operating system in gzip's header: nothing but the checksum notices. */
function flipHeader(archive: Buffer): Buffer {
  archive[9] = (archive[9] ?? 0) ^ 1;
  return archive;
}

test('a bundle with another byte is not started, and the sandbox says why', async (t) => {
  const { code, stderr, sha256, got } = await runCommand(t, flipHeader);
  t.not(code, 0);
  t.not(got, sha256);
  t.true(
    stderr.includes(`Expected executor.tgz, which the agent has fetched, with sha256 ${sha256}, got ${got}`),
    stderr,
  );
});

test('a file that was damaged on its way fails the task with its name and both checksums, and the next launch works', async (t) => {
  const directory = await temporaryDirectory(t);
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const prepared = await prepareArtifacts(await smallSources(directory, bundle));
  const api = await startApi(t, { deps: { artifacts: servedFiles(prepared) } });
  const launch = executorLaunch({ ...options, nodeOptions: [], baseUrl: api.url, artifacts: prepared });
  const request = await smallNode(directory, '127.0.0.1');
  const { path, sha256 } = prepared.cassandra as ServedFile;
  const good = readFileSync(path);
  const bad = Buffer.from(good);
  bad[good.length - 1] = (good.at(-1) ?? 0) ^ 1;
  await writeFile(path, bad);
  const got = await sha256Of(path);

  const offer = await scheduler.offer();
  await scheduler.launch(offer, [fetchedServer('server.1', offer, launch, request)], 0);
  const refused = await scheduler.expect('server.1', 'TASK_FAILED');
  t.is(refused.source, 'SOURCE_EXECUTOR');
  t.is(refused.message, `Expected cassandra.tgz, which the agent has fetched, with sha256 ${sha256}, got ${got}`);
  const { failure } = await scheduler.next('FAILURE');
  t.is(failure.status, 256, 'the executor has ended with exit code 1');

  await writeFile(path, good);
  const again = await roomyOffer(scheduler, offer);
  await scheduler.launch(again, [fetchedServer('server.2', again, launch, request)]);
  const started = await scheduler.expect('server.2', 'TASK_STARTING', 'TASK_FAILED');
  t.regex(started.message ?? '', /cassandra\/lib holds no Cassandra/);
});

test('a scheduler that has moved starts a killed executor again from its new address', async (t) => {
  const directory = await temporaryDirectory(t);
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const prepared = await prepareArtifacts(await smallSources(directory, bundle));
  const request = await smallNode(directory, '127.0.0.1');
  const apiAt = () => startApi(t, { deps: { artifacts: servedFiles(prepared) } });
  const launchFrom = (baseUrl: string) => executorLaunch({ ...options, nodeOptions: [], baseUrl, artifacts: prepared });

  const old = await apiAt();
  const offer = await scheduler.offer();
  await scheduler.launch(offer, [fetchedServer('server.1', offer, launchFrom(old.url), request)], 0);
  await scheduler.expect('server.1', 'TASK_STARTING', 'TASK_FAILED');
  await old.stop();
  const moved = await apiAt();

  // The executor lives: its info is used again, old address and all, and nothing is fetched.
  const rest = await roomyOffer(scheduler, offer);
  await scheduler.launch(rest, [fetchedServer('server.2', rest, launchFrom(old.url), request)], 0);
  await scheduler.expect('server.2', 'TASK_STARTING', 'TASK_FAILED');

  process.kill(executorOf(scheduler.frameworkId.value).pid, 'SIGKILL');
  await scheduler.next('FAILURE');
  const next = await roomyOffer(scheduler, offer);
  await scheduler.launch(next, [fetchedServer('server.3', next, launchFrom(moved.url), request)]);
  const { message } = await scheduler.expect('server.3', 'TASK_STARTING', 'TASK_FAILED');
  t.regex(message ?? '', /cassandra\/lib holds no Cassandra/);
});

test('a Java that is fetched is the one that Cassandra is started with', async (t) => {
  const directory = await temporaryDirectory(t);
  const sources = await smallSources(directory, bundle);
  for (const jar of ['apache-cassandra-5.0.5.jar', 'jamm-0.4.0.jar']) {
    await writeFile(join(sources.cassandra, 'lib', jar), '');
  }
  await mkdir(join(directory, 'jre-99/bin'), { recursive: true });
  await writeFile(join(directory, 'jre-99/bin/java'), `#!/bin/sh\necho 'openjdk version "99"' >&2\n`, { mode: 0o755 });
  const archive = join(directory, 'jre.tar.gz');
  await create({ file: archive, cwd: directory, gzip: true }, ['jre-99']);
  const prepared = await prepareArtifacts({ ...sources, javaUri: `${archive}#sha256=${await sha256Of(archive)}` });
  const api = await startApi(t, { deps: { artifacts: servedFiles(prepared) } });
  const launch = executorLaunch({ ...options, nodeOptions: [], baseUrl: api.url, artifacts: prepared });
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await scheduler.offer();
  const request = await smallNode(directory, '127.0.0.1');
  await scheduler.launch(offer, [fetchedServer('server', offer, launch, request)]);
  const { message } = await scheduler.expect('server', 'TASK_STARTING', 'TASK_FAILED');
  t.regex(message ?? '', /runs on Java .*\/java\/bin\/java is 99$/);
});
