import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ServerRequest } from '../model/step.ts';
import type { NodePaths } from './paths.ts';

/** What Cassandra's own conf/jvm17-server.options opens. Packages that a release of Java lacks are passed over by it. */
const EXPORTS = [
  'java.base/jdk.internal.misc',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'java.base/java.lang.ref',
  'java.base/sun.nio.ch',
  'jdk.unsupported/sun.misc',
  'jdk.compiler/com.sun.tools.javac.file',
];
const OPENS = [
  'java.base/java.lang.module',
  'java.base/java.lang.reflect',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.util.jar',
  'java.base/sun.nio.ch',
  'java.base/java.io',
  'java.base/java.lang',
  'java.base/java.util',
  'java.base/java.util.concurrent',
  'java.base/java.util.concurrent.atomic',
  'java.base/java.nio',
  'java.rmi/sun.rmi.transport.tcp',
  'jdk.management/com.sun.management.internal',
];

/** Below this heap (MiB) a node is one of several on a developer's machine: start fast, keep threads few. */
const SMALL_HEAP_MB = 2048;

export interface Distribution {
  /** Folder with Cassandra's jars. */
  lib: string;
  /** Path of the jamm agent, by which Cassandra measures its memtables. */
  jamm: string;
  /** Cassandra's release, for example 5.0.5. */
  version: string;
}

/** The arguments after `java`. No secret is among them: every user of the host can read a command line. */
export function javaArguments(
  request: ServerRequest,
  paths: NodePaths,
  distribution: Distribution,
  javaMajor: number,
): string[] {
  const configuration = (file: string) => join(paths.configuration, file);
  return [
    '-Djdk.attach.allowAttachSelf=true',
    ...(javaMajor >= 9 ? EXPORTS.map((name) => `--add-exports=${name}=ALL-UNNAMED`) : []),
    ...(javaMajor >= 9 ? OPENS.map((name) => `--add-opens=${name}=ALL-UNNAMED`) : []),
    ...memoryOptions(request.heapMb),
    ...(isIPv4(request.address) ? ['-Djava.net.preferIPv4Stack=true'] : []),
    `-Djava.io.tmpdir=${paths.temporary}`,
    `-javaagent:${distribution.jamm}`,
    // Jolokia's answers go out at once: without it each waits 40 ms for the acknowledgement of its header (Nagle's algorithm).
    '-Dsun.net.httpserver.nodelay=true',
    `-javaagent:${request.jolokiaJar}=config=${configuration('jolokia.properties')}`,
    `-Dcassandra.config=${pathToFileURL(configuration('cassandra.yaml')).href}`,
    `-Dlogback.configurationFile=${pathToFileURL(configuration('logback.xml')).href}`,
    `-Dcassandra.storagedir=${paths.bases[0] ?? ''}`,
    `-Dcassandra.logdir=${paths.logs}`,
    `-Dcassandra.jmx.local.port=${request.ports.jmx}`,
    '-Dcassandra-foreground=yes',
    // Only for the first start: StorageService.isReplacing passes it over once the node has bootstrapped ("Replace address on
    // the first boot requested; this node is already bootstrapped").
    ...(request.replaces === null ? [] : [`-Dcassandra.replace_address_first_boot=${request.replaces}`]),
    ...request.jvmOptions,
    '-cp',
    `${paths.configuration}:${join(distribution.lib, '*')}`,
    'org.apache.cassandra.service.CassandraDaemon',
  ];
}

function memoryOptions(heapMb: number): string[] {
  return [
    `-Xms${heapMb}M`,
    `-Xmx${heapMb}M`,
    '-Xss256k',
    '-Xshare:auto',
    // A node without memory is neither alive nor dead to its peers: let it die, the scheduler starts it again.
    '-XX:+ExitOnOutOfMemoryError',
    ...(heapMb < SMALL_HEAP_MB
      ? ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
      : ['-XX:+UseG1GC', '-XX:MaxGCPauseMillis=300', '-XX:+ParallelRefProcEnabled', '-XX:+PerfDisableSharedMem']),
  ];
}

/** The major release in what `java -version` prints: 17 of `openjdk version "17.0.15"`, 8 of `"1.8.0_402"`. */
export function parseJavaMajor(output: string): number | null {
  const match = /version "(?:1\.)?(\d+)/.exec(output);
  return match ? Number(match[1]) : null;
}

/** Releases of Java that a release of Cassandra runs on (its documentation, "Installing Cassandra, prerequisites"). */
export function supportedJava(cassandraVersion: string): number[] {
  const major = Number(cassandraVersion.split('.')[0]);
  if (major < 4) return [8];
  return major === 4 ? [8, 11] : [11, 17];
}
