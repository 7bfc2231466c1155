import type { Artifact, Artifacts } from './artifacts.ts';
import { FETCHED_FILES, type FetchedFile } from './sandbox.ts';

/** How an executor is started on an agent, in the words of the scheduler's settings. Paths are relative to the sandbox. */
export interface ExecutorLaunch {
  executorCommand: string;
  executorUris: FetchUri[];
  executorEnvironment: Record<string, string>;
  cassandraHome: string;
  jolokiaJar: string;
  javaHome: string | null;
}

interface FetchUri {
  value: string;
  extract: boolean;
  executable: boolean;
  cache: boolean;
  outputFile: string;
}

export interface LaunchOptions {
  /** Where agents reach the scheduler, without a final slash. */
  baseUrl: string;
  artifacts: Artifacts;
  /** Java on the agents; a Java that is fetched comes before it. */
  javaHome: string | null;
  /** Options of the executor's Node. */
  nodeOptions: string[];
}

const BUNDLE = 'executor.tgz';

/**
 * Checks the bundle and hands tar what is in it: nothing but /bin/sh and tar is on an agent for sure, and tar needs
 * gzip. Arguments: the checksum, or nothing.
 */
const UNZIP = `
const bytes = require("node:fs").readFileSync("${BUNDLE}");
const got = require("node:crypto").createHash("sha256").update(bytes).digest("hex");
const expected = process.argv[1];
if (expected && got !== expected) {
  console.error("cassandra-mesos: Expected ${BUNDLE}, which the agent has fetched, with sha256 " + expected + ", got " + got);
  process.exitCode = 1;
} else process.stdout.write(require("node:zlib").gunzipSync(bytes));
`.replaceAll(/\s*\n\s*/g, ' ');

/**
 * What an agent fetches and then does. The fetcher unpacks nothing: it knows no checksums, and an archive that it has
 * unpacked is not there any more. The executor itself checks and unpacks the rest before it starts anything.
 */
export function executorLaunch({ baseUrl, artifacts, javaHome, nodeOptions }: LaunchOptions): ExecutorLaunch {
  const { executor, node, cassandra, java } = artifacts;
  const uri = (artifact: Artifact, outputFile: string): FetchUri => ({
    ...location(artifact, baseUrl),
    extract: false,
    executable: outputFile === 'node',
    outputFile,
  });
  const files: FetchedFile[] = [
    { file: 'node', sha256: node.sha256, unpack: null },
    { file: 'cassandra.tgz', sha256: cassandra.sha256, unpack: { to: 'cassandra', holds: 'lib' } },
    ...(java === null ? [] : [{ file: 'java.tgz', sha256: java.sha256, unpack: { to: 'java', holds: 'bin/java' } }]),
  ];
  return {
    executorCommand: [
      `./node -e '${UNZIP}' ${executor.sha256 ?? ''} | tar -xf -`,
      `exec ./node ${[...nodeOptions, 'executor/dist/bin/executor.mjs'].join(' ')}`,
    ].join(' && '),
    executorUris: [
      uri(executor, BUNDLE),
      uri(node, 'node'),
      uri(cassandra, 'cassandra.tgz'),
      ...(java === null ? [] : [uri(java, 'java.tgz')]),
    ],
    executorEnvironment: { [FETCHED_FILES]: JSON.stringify(files) },
    cassandraHome: 'cassandra',
    jolokiaJar: 'executor/jolokia.jar',
    javaHome: java === null ? javaHome : 'java',
  };
}

/** The fetcher caches by URI and never looks again: only for what cannot change. */
function location(artifact: Artifact, baseUrl: string): Pick<FetchUri, 'value' | 'cache'> {
  return 'uri' in artifact
    ? { value: artifact.uri, cache: artifact.sha256 !== null }
    : { value: `${baseUrl}/artifacts/${encodeURIComponent(artifact.name)}`, cache: true };
}
