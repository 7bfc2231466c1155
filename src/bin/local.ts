import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, statfs, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pause, systemClock } from '../clock.ts';
import { clusterOptions, JOLOKIA_JAR, LOCAL_DEFAULTS, type LocalOptions } from '../config/options.ts';
import { OperatorError } from '../errors.ts';
import { EmbeddedMesos } from '../local/embedded-mesos.ts';
import { createLogger, type Logger } from '../log.ts';
import { showNodes } from './show-nodes.ts';

/** Resources of one agent. They are only counted: all share this machine. */
const AGENT = { cpus: 4, mem: 4096 };
const NODE = { cpus: 2, mem: 2048, disk: 2048 };
/** What Cassandra may take to drain and stop. */
const STOP_GRACE_MS = 60_000;
/** Exit codes of a scheduler that said why it ended: starting it again would end the same. */
const FINAL_EXIT_CODES = [1, 2, 3];
/** The scheduler's log, in the data directory. */
const LOG = 'scheduler.log';
const FIRST_RESTART_MS = 500;
const LAST_RESTART_MS = 30_000;

type CommandLine = (...args: string[]) => string[];

/**
 * A ring on this machine: an embedded Mesos in this process, and the same scheduler and executors as anywhere
 * else as processes of their own. Ends when the signal aborts, after it stopped everything that it started.
 */
export async function runLocal(options: LocalOptions, commandLine: CommandLine, signal: AbortSignal): Promise<void> {
  // The terminal is for people: what the scheduler logs goes to its file, of this process only what needs a look.
  const log = createLogger('local', options.logLevel === 'debug' ? 'debug' : 'warn');
  const data = resolve(options.data);
  const ips = addresses(options);
  checkInstalled(options.cassandra);
  await mkdir(data, { recursive: true });
  const { bavail, bsize } = await statfs(data);
  const disk = Math.floor((bavail * bsize) / 1024 ** 2);
  const mesos = await EmbeddedMesos.start({
    workDir: join(data, 'mesos'),
    master: { host: '127.0.0.1', port: 0 },
    agents: ips.map((ip) => ({
      hostname: ip,
      ip,
      port: 0,
      resources: { ...AGENT, disk, ports: agentPorts(ip, options) },
    })),
    executorShutdownGraceMs: STOP_GRACE_MS,
    log,
  });
  const url = `http://${options.host}:${options.port}`;
  const ended = new AbortController();
  try {
    say(`Starting a ring of ${options.nodes} on ${ips.join(', ')}; data and logs are in ${data}`);
    const args = commandLine('scheduler', ...schedulerArguments(options, data, mesos.url));
    const shown = showNodes(url, options.nodes, say, AbortSignal.any([signal, ended.signal])).then(() => {
      if (!signal.aborted && !ended.signal.aborted)
        say(`REST API: ${url}, its documentation: ${url}/api-docs. Ctrl-C stops everything.`);
    });
    await Promise.all([supervise(args, data, log, signal).finally(() => ended.abort()), shown]);
  } finally {
    ended.abort();
    say('Stopping all nodes');
    await mesos.stop({ killExecutors: true });
  }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function checkInstalled(cassandra: string): void {
  const missing = [JOLOKIA_JAR, ...(cassandra.includes('://') ? [] : [cassandra])].filter((path) => !existsSync(path));
  if (missing.length === 0) return;
  throw new OperatorError('BAD_REQUEST', `Expected ${missing.join(' and ')}, which is not there`, {
    hint: 'Run scripts/setup, which installs Cassandra and Jolokia.',
  });
}

/** The nodes' addresses: the first one and those after it. */
function addresses({ address, nodes, agents = nodes }: LocalOptions): string[] {
  const hosts = Math.max(nodes, agents);
  const parts = address.split('.').map(Number);
  const last = parts[3] ?? Number.NaN;
  const valid = parts.length === 4 && parts[0] === 127 && parts.every((part) => Number.isInteger(part) && part >= 0);
  if (!valid || last < 1 || last + hosts - 1 > 254) {
    throw new OperatorError(
      'BAD_REQUEST',
      `Expected --address 127.x.y.z with room for ${hosts} hosts below z = 255, got ${address}`,
      { hint: 'For example --address 127.0.0.1.' },
    );
  }
  return Array.from({ length: hosts }, (_, index) => [...parts.slice(0, 3), last + index].join('.'));
}

/** JMX and Jolokia of all nodes are on 127.0.0.1: each address has its own range for them. */
function agentPorts(ip: string, { storagePort, nativePort }: LocalOptions): { begin: number; end: number }[] {
  const [, , third = 0, fourth = 0] = ip.split('.').map(Number);
  const first = 20_000 + ((third * 256 + fourth) % 1000) * 10;
  return [
    { begin: storagePort, end: storagePort },
    { begin: nativePort, end: nativePort },
    { begin: first, end: first + 9 },
  ];
}

function schedulerArguments(options: LocalOptions, data: string, master: string): string[] {
  const values = options as unknown as Record<string, string | number | boolean | undefined>;
  const passedOn = clusterOptions(LOCAL_DEFAULTS).flatMap((option) => {
    const value = values[option.attributeName()];
    if (value === undefined || value === false || option.long === '--backup-directory') return [];
    return value === true ? [option.long ?? ''] : [`${option.long}=${value}`];
  });
  return [
    '--supervised',
    // All agents are this machine: there is nothing to fetch.
    '--executor-on-agents',
    ...passedOn,
    `--master=${master}`,
    `--state-directory=${join(data, 'scheduler')}`,
    `--backup-directory=${options.backupDirectory ?? join(data, 'backup')}`,
    // With a role data lie on the volumes of the agents.
    ...(options.role === '*' ? [`--data-directory=${options.dataDirectory ?? join(data, 'nodes')}`] : []),
    `--node-count=${options.nodes}`,
    `--cpus=${NODE.cpus}`,
    `--mem=${NODE.mem}`,
    `--disk=${NODE.disk}`,
  ];
}

/** Keeps a scheduler running, as Marathon would: one that was killed or crashed is started again. */
async function supervise(args: string[], data: string, log: Logger, signal: AbortSignal): Promise<void> {
  for (let wait = FIRST_RESTART_MS; !signal.aborted; wait = Math.min(wait * 2, LAST_RESTART_MS)) {
    const started = Date.now();
    const { child, logged } = await startScheduler(args, data);
    const code = await endOf(child, signal);
    if (signal.aborted) return;
    if (code !== null && FINAL_EXIT_CODES.includes(code)) {
      throw new OperatorError('INTERNAL', `the scheduler ended: ${await lastWords(join(data, LOG), logged)}`);
    }
    if (Date.now() - started > LAST_RESTART_MS) wait = FIRST_RESTART_MS;
    log.warn({ code, restartInMs: wait }, 'the scheduler ended, starting it again');
    await pause(systemClock, wait, signal);
  }
}

/** `logged`: bytes of the log before it. Its stdin is a pipe that closes with this process: a supervised scheduler ends with its supervisor. */
async function startScheduler(
  [file = '', ...args]: string[],
  data: string,
): Promise<{ child: ChildProcess; logged: number }> {
  const log = await open(join(data, LOG), 'a');
  try {
    const { size: logged } = await log.stat();
    const child = spawn(file, args, { stdio: ['pipe', log.fd, log.fd], detached: true });
    await once(child, 'spawn');
    await writeFile(join(data, 'scheduler.pid'), `${child.pid}\n`);
    return { child, logged };
  } finally {
    await log.close();
  }
}

/** What a scheduler said at its end: the lines of its log, from where it began to write, that are not JSON. */
async function lastWords(log: string, begin: number): Promise<string> {
  const lines = (await readFile(log)).subarray(begin).toString().trimEnd().split('\n');
  const words = lines.filter((line) => !line.startsWith('{')).map((line) => line.replace(/^cassandra-mesos: /, ''));
  return words.join('\n') || `see ${log}`;
}

/** Exit code of the scheduler, null when a signal ended it. Stops it when ours aborts. */
async function endOf(child: ChildProcess, signal: AbortSignal): Promise<number | null> {
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
