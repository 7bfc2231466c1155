import { isDeepStrictEqual } from 'node:util';
import type { ClusterNode } from '../model/node.ts';
import type { SchedulerSettings } from './settings.ts';

/** Names in cassandra.yaml and of JVM options whose values nobody is to read. */
const SECRET = /password|passphrase|secret|credential|api_?key/i;
const HIDDEN = '(hidden)';

/** Settings that a node with data keeps: another value is for new nodes only. */
const KEPT_WITH_DATA = new Set(['numTokens']);

/**
 * What a Cassandra is started with, as plain JSON to be compared with that of an earlier start: no addresses, no
 * seeds, no secrets (a changed secret is no difference).
 */
export function launchSettings(settings: SchedulerSettings): Record<string, unknown> {
  const { clusterName, server, heapMb, ports, numTokens, dataDirectories, volumes } = settings;
  const { cassandraHome, jolokiaJar, javaHome, jvmOptions, cassandraYaml, healthIntervalMs, startTimeoutMs } = settings;
  return {
    clusterName,
    cpus: server.cpus,
    memMb: server.memMb,
    heapMb,
    storagePort: ports.storage,
    nativePort: ports.native,
    jmxPort: ports.jmx,
    numTokens,
    // Volumes stay as they were made.
    ...(volumes ? {} : { diskMb: server.diskMb, dataDirectories }),
    cassandraHome,
    jolokiaJar,
    javaHome,
    jvmOptions: jvmOptions.map((option) => (SECRET.test(option) ? option.replace(/=.*$/s, `=${HIDDEN}`) : option)),
    cassandraYaml: withoutSecrets(cassandraYaml),
    healthIntervalMs,
    startTimeoutMs,
  };
}

/** What a restart of the node would change. Empty for a node that was never started. */
export function configDifference(
  node: Pick<ClusterNode, 'launchedWith' | 'bootstrapped'>,
  settings: SchedulerSettings,
): Record<string, { from: unknown; to: unknown }> {
  const from = node.launchedWith;
  if (from === null) return {};
  // As it would come out of the state: what JSON cannot tell apart is no difference.
  const to = JSON.parse(JSON.stringify(launchSettings(settings))) as Record<string, unknown>;
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  const changed = names.filter(
    (name) => !isDeepStrictEqual(from[name], to[name]) && !(node.bootstrapped && KEPT_WITH_DATA.has(name)),
  );
  return Object.fromEntries(changed.map((name) => [name, { from: from[name] ?? null, to: to[name] ?? null }]));
}

/** A node with data keeps its number of tokens: Cassandra refuses to start it with another one. */
export function numTokensOf(
  { bootstrapped, launchedWith }: Pick<ClusterNode, 'launchedWith' | 'bootstrapped'>,
  settings: SchedulerSettings,
): number {
  const before = launchedWith?.['numTokens'];
  return bootstrapped && typeof before === 'number' ? before : settings.numTokens;
}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, entry]) => [
    name,
    SECRET.test(name) && typeof entry === 'string' ? HIDDEN : withoutSecrets(entry),
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}
