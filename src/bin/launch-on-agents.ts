import type { SchedulerOptions } from '../config/options.ts';
import type { ExecutorLaunch } from '../config/settings.ts';

/**
 * Beside Cassandra memory counts. V8 would keep 30 MB for objects that do not live long, and with them what has come from a store and is used no more:
 * each of these small objects has 64 KiB outside of the heap. Cleaned up often they are reused while they are in the processor's cache.
 */
export const EXECUTOR_NODE_OPTIONS = ['--min-semi-space-size=1', '--max-semi-space-size=1'];

/** glibc would keep what is freed in one pool for each thread. */
export const EXECUTOR_VARIABLES = { MALLOC_ARENA_MAX: '1' };

const isArchive = (uri: string): boolean => /\.(tar\.gz|tgz|tar|zip)$/.test(uri);

/** The executor is this very program, which every agent has at the same path: the ring on one machine. */
export function launchOnAgents(options: SchedulerOptions, [node = '', ...executor]: string[]): ExecutorLaunch {
  const { cassandra, cassandraUri, jolokiaJar, javaHome } = options;
  const archive = cassandraUri ?? (isArchive(cassandra) ? cassandra : null);
  return {
    executorCommand: `exec ${shellQuoted([node, ...EXECUTOR_NODE_OPTIONS, ...executor])}`,
    executorUris:
      archive === null ? [] : [{ value: archive, extract: true, executable: false, cache: true, outputFile: null }],
    executorEnvironment: {},
    cassandraHome: archive === null ? cassandra : '.',
    jolokiaJar,
    javaHome: javaHome ?? null,
  };
}

function shellQuoted(words: string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}
