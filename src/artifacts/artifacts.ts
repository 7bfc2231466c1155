// What agents are to fetch for an executor, and where from.
import { OperatorError } from '../errors.ts';

/** A file that the scheduler serves. */
export interface ServedFile {
  /** Begins with its checksum: a fetcher's cache never takes an old one for it. */
  name: string;
  path: string;
  /** In hex. */
  sha256: string;
}

/** Any URI that Mesos' fetcher takes; with null whatever lies there is right. */
export interface RemoteFile {
  uri: string;
  sha256: string | null;
}

export type Artifact = ServedFile | RemoteFile;

/** `executor`: executor.tgz of scripts/build. `node`: the binary. `cassandra`, `java`: tar archives; null: none is fetched. */
export interface Artifacts {
  executor: Artifact;
  node: Artifact;
  cassandra: Artifact;
  java: Artifact | null;
}

/** Those that come from the scheduler itself. */
export function servedFiles(artifacts: Artifacts): ServedFile[] {
  return Object.values(artifacts).filter((artifact: Artifact | null) => artifact !== null && 'path' in artifact);
}

/** Reads `<uri>#sha256=<hex>`; the fragment may be missing. Throws BAD_REQUEST on any other fragment. */
export function remoteFile(text: string): RemoteFile {
  const [uri = '', fragment, ...more] = text.split('#');
  if (fragment === undefined) return { uri, sha256: null };
  const sha256 = /^sha256=([\da-f]{64})$/i.exec(fragment)?.[1];
  if (sha256 !== undefined && more.length === 0) return { uri, sha256: sha256.toLowerCase() };
  throw new OperatorError('BAD_REQUEST', `Expected <uri>#sha256=<64 hex digits>, got ${JSON.stringify(text)}`, {
    hint: 'Take the fragment away, or write the checksum that sha256sum prints.',
  });
}
