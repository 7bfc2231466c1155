import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerRequest } from '../model/step.ts';
import type { JolokiaAddress } from './jolokia.ts';
import { logbackXml } from './logback.ts';
import type { NodePaths } from './paths.ts';
import { cassandraYaml, rackdcProperties } from './yaml.ts';

/** Makes the node's folders and writes the files that Cassandra and its agents read at their start. */
export async function writeConfiguration(
  request: ServerRequest,
  paths: NodePaths,
  version: string,
  jolokia: JolokiaAddress,
): Promise<void> {
  const folders = [paths.commitlog, paths.hints, paths.savedCaches, paths.cdcRaw, paths.logs, paths.temporary];
  // Cassandra looks for `triggers` on its class path, and warns when there is none.
  const all = [...paths.data, ...paths.staging, ...folders, join(paths.configuration, 'triggers')];
  for (const folder of all) await mkdir(folder, { recursive: true });

  const write = (name: string, text: string) => writeFile(join(paths.configuration, name), text);
  await write('cassandra.yaml', cassandraYaml(request, paths, version));
  await write('cassandra-rackdc.properties', rackdcProperties(request.datacenter, request.rack));
  await write('logback.xml', logbackXml(paths.logs));
  await writeSecret(jolokiaConfiguration(paths), jolokiaProperties(jolokia));
}

/** Jolokia's options, with the password: read once at the start of the JVM. */
export function jolokiaConfiguration(paths: NodePaths): string {
  return join(paths.configuration, 'jolokia.properties');
}

/** A file that nobody else could read at any moment: made anew, for the mode counts at creation only. */
async function writeSecret(file: string, text: string): Promise<void> {
  await rm(file, { force: true });
  await writeFile(file, text, { mode: 0o600, flag: 'wx' });
}

/**
 * Jolokia's default executor serves one request at a time: a long takeSnapshot would hide the node's health behind it
 * (default-jolokia-agent.properties in its jar).
 */
function jolokiaProperties({ port, user, password }: JolokiaAddress): string {
  const options = {
    host: '127.0.0.1',
    port,
    authMode: 'basic',
    user,
    password,
    executor: 'cached',
    discoveryEnabled: false,
  };
  return Object.entries(options)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
