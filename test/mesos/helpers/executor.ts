// A small executor for the protocol tests: a task's data says what to do with it.
//   stay     RUNNING until it is killed          finish   RUNNING, FINISHED
//   fail     RUNNING, FAILED with a message      message  RUNNING, then a message to the scheduler
//   exit     RUNNING, then the process ends with 3
//   child    RUNNING, with the pid of a process that it has started as data; that ignores SIGTERM and SIGHUP
//   append data/x  appends a line to that file of the sandbox, then RUNNING with all that is in it
//   signal   RUNNING with the pid of this process as data; once that gets SIGUSR2, RUNNING again and FINISHED
//   stubborn as child, and nobody can make it end but by SIGKILL
import { spawn } from 'node:child_process';
import { appendFile, readFile } from 'node:fs/promises';
import { createLogger } from '../../../src/log.ts';
import { readExecutorEnvironment } from '../../../src/mesos/executor-environment.ts';
import { MesosExecutorClient } from '../../../src/mesos/executor-client.ts';
import type { ExecutorEvent, Id, TaskInfo } from '../../../src/mesos/types.ts';
import { hurried } from './hurried.ts';

const client = new MesosExecutorClient({
  ...readExecutorEnvironment(process.env),
  log: createLogger('test-executor', 'info'),
  clock: hurried,
});
const end = new AbortController();
/** An empty message makes it subscribe anew. */
let subscription = new AbortController();
let stubborn = false;
/** A bad wire may double it: then it is one LAUNCH all the same. */
let lastLaunch = '';

function startChild(): number | undefined {
  const child = spawn('/bin/sh', ['-c', "trap '' TERM HUP; sleep 600"], { stdio: 'ignore' });
  child.unref();
  return child.pid;
}

async function reportOf(wish: string): Promise<string> {
  if (wish === 'signal') return String(process.pid);
  const [, file] = /^append (.+)$/.exec(wish) ?? [];
  if (file === undefined) return 'progress-1';
  await appendFile(file, 'line\n');
  return readFile(file, 'utf8');
}

async function launch({ taskId, data }: TaskInfo): Promise<void> {
  const wish = Buffer.from(data ?? []).toString();
  const launched = `${taskId.value} ${wish}`;
  if (launched === lastLaunch) return;
  lastLaunch = launched;
  await client.update({ taskId, state: 'TASK_STARTING' });
  if (wish === 'stubborn') stubborn = true;
  if (wish === 'signal') process.once('SIGUSR2', () => void finish(taskId));
  const report = wish === 'child' || wish === 'stubborn' ? String(startChild()) : await reportOf(wish);
  await client.update({ taskId, state: 'TASK_RUNNING', data: Buffer.from(report) });
  if (wish === 'finish') await client.update({ taskId, state: 'TASK_FINISHED', data: Buffer.from('done') });
  if (wish === 'fail') await client.update({ taskId, state: 'TASK_FAILED', message: 'executor says why' });
  if (wish === 'message') await client.message(Buffer.from('hello scheduler'));
  if (wish === 'exit') process.exit(3);
}

async function finish(taskId: Id): Promise<void> {
  await client.update({ taskId, state: 'TASK_RUNNING', data: Buffer.from('progress-2') });
  await client.update({ taskId, state: 'TASK_FINISHED', data: Buffer.from('done') });
}

async function kill(taskId: Id): Promise<void> {
  await client.update({ taskId, state: 'TASK_KILLING' });
  await client.update({ taskId, state: 'TASK_KILLED' });
}

async function onEvent(event: ExecutorEvent): Promise<void> {
  if (event.type === 'SUBSCRIBED') await client.message(Buffer.from('subscribed'));
  else if (event.type === 'LAUNCH') await launch(event.launch.task);
  else if (event.type === 'KILL') await kill(event.kill.taskId);
  else if (event.type === 'MESSAGE' && event.message.data.length === 0) subscription.abort();
  else if (event.type === 'MESSAGE') await client.message(Buffer.concat([Buffer.from('echo '), event.message.data]));
  else if (event.type === 'SHUTDOWN' && !stubborn) end.abort();
}

while (!end.signal.aborted) {
  subscription = new AbortController();
  await client.run(onEvent, AbortSignal.any([end.signal, subscription.signal]));
}
