import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { messageOf, OperatorError } from '../errors.ts';
import { remoteFile, type Artifacts, type ServedFile } from './artifacts.ts';
import { ArtifactDirectory } from './directory.ts';

export interface ArtifactSources {
  /** The scheduler's; `artifacts/` in it is ours. */
  stateDirectory: string;
  /** Path of executor.tgz. */
  executorBundle: string;
  /** Path of the Node binary that agents are to run. */
  nodeBinary: string;
  /** Path of an unpacked distribution, or of its tar archive. */
  cassandra: string;
  /** Where agents fetch a file from instead. */
  executorUri?: string | undefined;
  nodeUri?: string | undefined;
  cassandraUri?: string | undefined;
  javaUri?: string | undefined;
}

/**
 * Finds out everything about the files that agents will fetch; an unpacked Cassandra is packed, once. Later starts on
 * the same files read none of them. Throws BAD_REQUEST with what is missing and the option that helps.
 */
export async function prepareArtifacts(sources: ArtifactSources): Promise<Artifacts> {
  const { executorUri, nodeUri, cassandraUri, javaUri } = sources;
  const directory = await ArtifactDirectory.open(join(sources.stateDirectory, 'artifacts'));
  const fromHere = async (path: string, help: string): Promise<ServedFile> => {
    const file = await packed(directory, path, help);
    const sha256 = await directory.checksum(file);
    return { name: `${sha256.slice(0, 16)}-${basename(file)}`, path: file, sha256 };
  };
  const artifacts = {
    executor: executorUri
      ? remoteFile(executorUri)
      : await fromHere(sources.executorBundle, 'Run scripts/build, or give --executor-uri.'),
    node: nodeUri ? remoteFile(nodeUri) : await fromHere(sources.nodeBinary, 'Give --node-uri.'),
    cassandra: cassandraUri
      ? remoteFile(cassandraUri)
      : await fromHere(sources.cassandra, 'Run scripts/setup, or give --cassandra or --cassandra-uri.'),
    java: javaUri ? remoteFile(javaUri) : null,
  };
  await directory.close();
  return artifacts;
}

/** The file itself, or the archive of a folder. */
async function packed(directory: ArtifactDirectory, path: string, help: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    throw new OperatorError('BAD_REQUEST', `Expected ${path}, which agents are to fetch: ${messageOf(error)}`, {
      cause: error,
      hint: help,
    });
  });
  return found.isDirectory() ? directory.pack(path, 'cassandra.tgz') : resolve(path);
}
