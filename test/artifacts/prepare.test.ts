import { mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { list } from 'tar';
import type { ServedFile } from '../../src/artifacts/artifacts.ts';
import { prepareArtifacts, type ArtifactSources } from '../../src/artifacts/prepare.ts';
import { sha256Of } from '../../src/artifacts/sha256.ts';
import { temporaryDirectory } from '../cassandra/real-cassandra.ts';

const JAR = 'lib/apache-cassandra-5.0.5.jar';

/** A small Cassandra, and files that stand for the others. */
async function sources(t: ExecutionContext): Promise<ArtifactSources> {
  const directory = await temporaryDirectory(t);
  const cassandra = join(directory, '5.0.5');
  await mkdir(join(cassandra, 'lib'), { recursive: true });
  await mkdir(join(cassandra, 'bin'));
  await writeFile(join(cassandra, JAR), 'a jar');
  await writeFile(join(cassandra, 'bin/nodetool'), '#!/bin/sh\n', { mode: 0o755 });
  await symlink('nodetool', join(cassandra, 'bin/tool'));
  await writeFile(join(directory, 'executor.tgz'), 'a bundle');
  await writeFile(join(directory, 'node'), 'a binary');
  return {
    stateDirectory: join(directory, 'state'),
    executorBundle: join(directory, 'executor.tgz'),
    nodeBinary: join(directory, 'node'),
    cassandra,
  };
}

async function packedCassandra(given: ArtifactSources): Promise<ServedFile> {
  const { cassandra } = await prepareArtifacts(given);
  return cassandra as ServedFile;
}

test('every file has its checksum in its name, so that a fetcher cache cannot take an old one for it', async (t) => {
  const given = await sources(t);
  const before = await prepareArtifacts(given);
  const executor = before.executor as ServedFile;
  t.is(executor.sha256, await sha256Of(given.executorBundle));
  t.is(executor.name, `${executor.sha256.slice(0, 16)}-executor.tgz`);
  t.is(executor.path, given.executorBundle);
  await writeFile(given.executorBundle, 'another');
  const after = (await prepareArtifacts(given)).executor as ServedFile;
  t.not(after.name, executor.name);
});

test('an unpacked Cassandra is packed with all that is in it', async (t) => {
  const given = await sources(t);
  const { path, name, sha256 } = await packedCassandra(given);
  t.is(sha256, await sha256Of(path));
  t.is(name, `${sha256.slice(0, 16)}-cassandra.tgz`);
  const entries: string[] = [];
  await list({
    file: path,
    onReadEntry: (entry) => entries.push(`${entry.type} ${entry.path} ${entry.mode?.toString(8)}`),
  });
  t.deepEqual(entries, [
    'File bin/nodetool 755',
    'SymbolicLink bin/tool 755',
    'File lib/apache-cassandra-5.0.5.jar 644',
  ]);
});

test('the same Cassandra packed elsewhere and at another time has the same checksum', async (t) => {
  const [one, other] = [await sources(t), await sources(t)];
  await utimes(join(other.cassandra, JAR), 1000, 1000);
  t.is((await packedCassandra(one)).sha256, (await packedCassandra(other)).sha256);
});

test('a second start neither packs again nor reads what has not changed', async (t) => {
  const given = await sources(t);
  await utimes(given.nodeBinary, 1000, 1000);
  const first = await prepareArtifacts(given);
  const { path } = first.cassandra as ServedFile;
  const { ino } = await stat(path);
  // Other bytes of the same size and time: whoever reads them finds another checksum.
  await writeFile(given.nodeBinary, 'A BINARY');
  await utimes(given.nodeBinary, 1000, 1000);
  const second = await prepareArtifacts(given);
  t.deepEqual(second.cassandra, first.cassandra);
  t.is((await stat(path)).ino, ino);
  t.deepEqual(second.node, first.node);
});

test('a Cassandra that has changed, and an archive that somebody has touched, are packed anew', async (t) => {
  const given = await sources(t);
  const first = await packedCassandra(given);
  await writeFile(join(given.cassandra, 'lib/jamm-0.4.0.jar'), 'another jar');
  const second = await packedCassandra(given);
  t.not(second.sha256, first.sha256);
  const good = await readFile(second.path);
  await writeFile(second.path, good.subarray(1));
  t.deepEqual(await packedCassandra(given), second);
  t.deepEqual(await readFile(second.path), good);
});

test('what was left by a start that died or by an older version goes', async (t) => {
  const given = await sources(t);
  const directory = join(given.stateDirectory, 'artifacts');
  await prepareArtifacts(given);
  await writeFile(join(directory, 'cassandra.tgz.partial'), 'half of it');
  await writeFile(join(directory, 'index.json'), '{"checksums"');
  await prepareArtifacts(given);
  t.deepEqual((await readdir(directory)).sort(), ['cassandra.tgz', 'index.json']);
  await prepareArtifacts({ ...given, cassandraUri: 'http://files/cassandra.tgz' });
  t.deepEqual(await readdir(directory), ['index.json']);
});

test('an archive of Cassandra is served as it is', async (t) => {
  const given = await sources(t);
  const archive = join(given.stateDirectory, '../apache-cassandra-5.0.5-bin.tar.gz');
  await writeFile(archive, 'an archive');
  const { path, name } = await packedCassandra({ ...given, cassandra: archive });
  t.is(path, archive);
  t.regex(name, /^[\da-f]{16}-apache-cassandra-5\.0\.5-bin\.tar\.gz$/);
});

test('what comes from elsewhere need not be here', async (t) => {
  const stateDirectory = await temporaryDirectory(t);
  const nowhere = join(stateDirectory, 'nowhere');
  const artifacts = await prepareArtifacts({
    stateDirectory,
    executorBundle: nowhere,
    nodeBinary: nowhere,
    cassandra: nowhere,
    executorUri: 'http://files/executor.tgz',
    nodeUri: `http://files/node#sha256=${'0'.repeat(64)}`,
    cassandraUri: '/opt/cassandra.tgz',
    javaUri: 's3://files/java.tgz',
  });
  t.deepEqual(artifacts, {
    executor: { uri: 'http://files/executor.tgz', sha256: null },
    node: { uri: 'http://files/node', sha256: '0'.repeat(64) },
    cassandra: { uri: '/opt/cassandra.tgz', sha256: null },
    java: { uri: 's3://files/java.tgz', sha256: null },
  });
});

test('a file that is missing is named, with what to do', async (t) => {
  const given = await sources(t);
  await rm(given.executorBundle);
  const error = await t.throwsAsync(prepareArtifacts(given), { code: 'BAD_REQUEST' });
  t.true(error.message.includes(given.executorBundle));
  t.regex((error as unknown as { hint: string }).hint, /scripts\/build.*--executor-uri/);
});
