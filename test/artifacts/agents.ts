// A node of which everything is fetched, on the agents of an embedded Mesos.
import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutorLaunch } from '../../src/artifacts/launch.ts';
import type { ArtifactSources } from '../../src/artifacts/prepare.ts';
import { encodeNodeTask } from '../../src/mesos/messages.ts';
import type { ExecutorInfo, Offer, TaskInfo } from '../../src/mesos/types.ts';
import type { ServerRequest } from '../../src/model/step.ts';
import { JAVA } from '../cassandra/real-cassandra.ts';
import { testExecutor, testTask, type TestScheduler } from '../mesos/helpers/scheduler.ts';

/** The given bundle, a Cassandra that cannot start, and this test's own Node from a path of the agent. */
export async function smallSources(directory: string, executorBundle: string): Promise<ArtifactSources> {
  const cassandra = join(directory, 'cassandra');
  await mkdir(join(cassandra, 'lib'), { recursive: true });
  await writeFile(join(cassandra, 'lib/README'), 'no jars');
  const nodeBinary = process.execPath;
  return { stateDirectory: join(directory, 'state'), executorBundle, nodeBinary, cassandra, nodeUri: nodeBinary };
}

/** An executor that is started as `launch` says. */
export function fetchedExecutor(executorId: string, launch: ExecutorLaunch): ExecutorInfo {
  const { executorCommand, executorUris, executorEnvironment } = launch;
  const variables = Object.entries(executorEnvironment).map(([name, value]) => ({ name, value }));
  const command = { shell: true, value: executorCommand, uris: executorUris, environment: { variables } };
  return testExecutor(executorId, { command, shutdownGracePeriod: { nanoseconds: 60e9 } });
}

/** The node's server task, with its executor. */
export function fetchedServer(taskId: string, offer: Offer, launch: ExecutorLaunch, request: ServerRequest): TaskInfo {
  const { cassandraHome, jolokiaJar, javaHome } = launch;
  const executor = fetchedExecutor(request.executorId, launch);
  const server = { ...request, cassandraHome, jolokiaJar, javaHome };
  return { ...testTask(taskId, offer, { executor }), data: encodeNodeTask({ server }) };
}

/** The next offer of the agent with room for a node: what an ended task gives back may be offered alone. */
export async function roomyOffer(scheduler: TestScheduler, { agentId }: Offer): Promise<Offer> {
  return scheduler.offer(
    (offer) =>
      offer.agentId.value === agentId.value &&
      offer.resources.some(({ name, scalar }) => name === 'cpus' && (scalar?.value ?? 0) >= 1),
  );
}

/** A PATH on which there is nothing but these: no gzip, no node, no curl. */
export async function barePath(directory: string): Promise<string> {
  const path = join(directory, 'bare-path');
  await mkdir(path);
  for (const [name, program] of Object.entries({ sh: '/bin/sh', tar: 'tar', java: JAVA })) {
    await symlink(which(program), join(path, name));
  }
  return path;
}

function which(program: string): string {
  if (program.startsWith('/')) return program;
  const candidates = (process.env['PATH'] ?? '').split(':').map((directory) => join(directory, program));
  return candidates.find((candidate) => existsSync(candidate)) ?? program;
}
