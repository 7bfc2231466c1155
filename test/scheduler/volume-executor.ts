// An executor whose server writes a line to its data at each start, and tells in its health how many there are.
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { createLogger } from '../../src/log.ts';
import { MesosExecutorClient } from '../../src/mesos/executor-client.ts';
import { readExecutorEnvironment } from '../../src/mesos/executor-environment.ts';
import { decodeNodeTask, encodeHealth } from '../../src/mesos/messages.ts';
import type { ExecutorEvent, TaskInfo } from '../../src/mesos/types.ts';
import { normal } from './helpers.ts';

const client = new MesosExecutorClient({
  ...readExecutorEnvironment(process.env),
  log: createLogger('volume-executor', 'warn'),
  clock: systemClock,
});
const end = new AbortController();

async function launch({ taskId, data }: TaskInfo): Promise<void> {
  const task = decodeNodeTask(data ?? new Uint8Array());
  if (!('server' in task)) throw new Error('expected a server task');
  const { dataDirectories, executorId } = task.server;
  const directory = join(dataDirectories[0] ?? '', executorId);
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'starts');
  await appendFile(file, 'start\n');
  const starts = (await readFile(file, 'utf8')).trimEnd().split('\n');
  await client.update({ taskId, state: 'TASK_STARTING' });
  const health = { ...normal, hostId: String(process.pid), tokens: starts };
  await client.update({ taskId, state: 'TASK_RUNNING', data: encodeHealth(health) });
}

async function onEvent(event: ExecutorEvent): Promise<void> {
  if (event.type === 'LAUNCH') await launch(event.launch.task);
  else if (event.type === 'KILL') await client.update({ taskId: event.kill.taskId, state: 'TASK_KILLED' });
  else if (event.type === 'SHUTDOWN') end.abort();
}

await client.run(onEvent, end.signal);
