import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Clock } from '../clock.ts';
import { messageOf, OperatorError, wrapError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ServerRequest } from '../model/step.ts';
import { jolokiaConfiguration, writeConfiguration } from './configuration.ts';
import { DataLock } from './data-lock.ts';
import { checkJava, inspectDistribution, javaOf } from './distribution.ts';
import { Jolokia, type JolokiaAddress } from './jolokia.ts';
import { javaArguments } from './jvm.ts';
import { nodePaths, realDirectories, type NodePaths } from './paths.ts';
import { checkPorts } from './ports.ts';
import { StartLog } from './start-log.ts';
import { removeOwnSnapshots } from './snapshots.ts';
import { readServerState, STORAGE_SERVICE } from './storage-service.ts';

const POLL_MS = 250;

export interface ProcessDependencies {
  clock: Clock;
  log: Logger;
  /** Path of `java` for requests that name no Java. */
  java: string;
  /** The executor's sandbox: configuration and logs are written there; relative paths are relative to it. */
  workDirectory: string;
  signal?: AbortSignal;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** How a LiveNode reaches the process. Holds a password: not to be logged. */
export interface NodeEndpoint {
  jolokia: JolokiaAddress;
  address: string;
  nativePort: number;
}

export interface ReadyOptions {
  signal?: AbortSignal;
  /** Called with each new operation mode on the way: STARTING, JOINING, NORMAL. */
  onProgress?: (operationMode: string) => void;
}

interface Prepared {
  request: ServerRequest;
  paths: NodePaths;
  version: string;
  jolokia: JolokiaAddress;
  log: StartLog;
  lock: DataLock;
}

/** One Cassandra server process of ours, from its start to its end. */
export class CassandraProcess {
  readonly pid: number;
  readonly paths: NodePaths;
  readonly endpoint: NodeEndpoint;
  /** Cassandra's release. */
  readonly version: string;
  /** Resolves when the process is gone and its data directories are free again. Never rejects. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #deps: ProcessDependencies;
  readonly #startTimeoutMs: number;
  readonly #log: StartLog;
  readonly #gone = new AbortController();

  private constructor(child: ChildProcess, pid: number, prepared: Prepared, deps: ProcessDependencies) {
    const { request, paths, jolokia, lock } = prepared;
    this.pid = pid;
    this.paths = paths;
    this.endpoint = { jolokia, address: request.address, nativePort: request.ports.native };
    this.version = prepared.version;
    this.#child = child;
    this.#deps = deps;
    this.#startTimeoutMs = request.startTimeoutMs;
    this.#log = prepared.log;
    this.exited = new Promise((resolveExit) => {
      child.once('exit', (code, signal) => {
        lock.release();
        resolveExit({ code, signal });
        this.#gone.abort();
      });
    });
  }

  /**
   * Prepares the node's directories and starts its JVM, in this process's group: an agent that kills the executor's
   * group gets Cassandra too. Returns once the JVM runs; `ready` waits for Cassandra in it.
   *
   * Throws CASSANDRA_ERROR when a Cassandra holds these directories already, BAD_REQUEST when what was asked for
   * cannot be started: no Cassandra in its home, the wrong Java.
   */
  static async start(wanted: ServerRequest, deps: ProcessDependencies): Promise<CassandraProcess> {
    const request = withAbsolutePaths(wanted, deps.workDirectory);
    const distribution = await inspectDistribution(request.cassandraHome);
    const java = request.javaHome === null ? deps.java : javaOf(request.javaHome);
    const javaMajor = await checkJava(java, distribution.version, deps.signal);
    const dataDirectories = await realDirectories(request.dataDirectories);
    const paths = nodePaths(dataDirectories, request.executorId, resolve(deps.workDirectory));
    const password = randomBytes(24).toString('base64url');
    const jolokia = { port: request.ports.jolokia, user: 'cassandra-mesos', password };

    const lock = DataLock.acquire(paths.bases);
    try {
      await checkPorts(request);
      await writeConfiguration(request, paths, distribution.version, jolokia);
      // A backup that died with the node left its snapshot, and nobody else would remove it.
      await removeOwnSnapshots(paths.data);
      const log = await StartLog.begin(paths.logs);
      deps.signal?.throwIfAborted();
      const child = await spawnJava(java, javaArguments(request, paths, distribution, javaMajor), paths, lock);
      const prepared = { request, paths, version: distribution.version, jolokia, log, lock };
      return new CassandraProcess(child, child.pid, prepared, deps);
    } catch (error) {
      lock.release();
      throw deps.signal?.aborted ? deps.signal.reason : wrapError('start Cassandra', error, 'CASSANDRA_ERROR');
    }
  }

  /**
   * Waits until the node is a member of its ring and serves CQL. Throws CASSANDRA_ERROR with Cassandra's own words as
   * soon as the process ends, TIMEOUT when `startTimeoutMs` (counted from this call) is over.
   */
  async ready(options: ReadyOptions = {}): Promise<void> {
    const signal = AbortSignal.any([this.#gone.signal, ...(options.signal ? [options.signal] : [])]);
    const jolokia = new Jolokia(this.endpoint.jolokia);
    try {
      await this.#pollUntilReady(jolokia, signal, options.onProgress);
      // The sandbox can be read through the Mesos agent: the JVM has the password now, the file can go.
      await rm(jolokiaConfiguration(this.paths), { force: true });
    } catch (error) {
      if (this.#gone.signal.aborted) throw await this.#endedError();
      throw options.signal?.aborted ? options.signal.reason : error;
    } finally {
      jolokia.close();
    }
  }

  /**
   * Ends the process and waits until it is gone: drain (flush, no more writes) where asked for, SIGTERM, and SIGKILL
   * after `graceMs`. A drain that fails does not hold up the end: Cassandra replays its commit log at the next start.
   */
  async stop(options: { drain: boolean; graceMs: number }): Promise<Exit> {
    const { clock } = this.#deps;
    const deadline = clock.now() + options.graceMs;
    if (options.drain && !this.#gone.signal.aborted) await this.#drain(options.graceMs);
    this.#child.kill('SIGTERM');
    const killLater = clock.sleep(Math.max(0, deadline - clock.now()), this.#gone.signal).then(
      () => this.#child.kill('SIGKILL'),
      (error: unknown) => {
        if (!this.#gone.signal.aborted) throw error;
      },
    );
    await killLater;
    return await this.exited;
  }

  /** Why the process failed, in Cassandra's own words: the last errors since its start. */
  async lastErrors(): Promise<string> {
    return await this.#log.errors();
  }

  async #pollUntilReady(jolokia: Jolokia, signal: AbortSignal, onProgress?: (mode: string) => void): Promise<void> {
    const { clock } = this.#deps;
    const deadline = clock.now() + this.#startTimeoutMs;
    let last = '';
    for (;;) {
      signal.throwIfAborted();
      const { operationMode, nativeTransportRunning } = await readServerState(jolokia, signal);
      if (operationMode !== last) onProgress?.(operationMode);
      last = operationMode;
      if (operationMode === 'NORMAL' && nativeTransportRunning) return;
      if (clock.now() > deadline) {
        const message = `Cassandra is ${last} and not serving CQL after ${this.#startTimeoutMs} ms`;
        throw new OperatorError('TIMEOUT', `${message}: ${await this.lastErrors()}`, { hint: this.#log.hint });
      }
      await clock.sleep(POLL_MS, signal);
    }
  }

  async #drain(timeoutMs: number): Promise<void> {
    const jolokia = new Jolokia(this.endpoint.jolokia);
    try {
      await jolokia.execute(STORAGE_SERVICE, 'drain()', [], { timeoutMs, signal: this.#gone.signal });
    } catch (error) {
      this.#deps.log.warn({ reason: messageOf(error) }, 'drain failed, Cassandra is stopped without it');
    } finally {
      jolokia.close();
    }
  }

  async #endedError(): Promise<OperatorError> {
    const { code, signal } = await this.exited;
    const message = `Cassandra ended before it was ready (${signal ?? `exit code ${code}`})`;
    return new OperatorError('CASSANDRA_ERROR', `${message}: ${await this.lastErrors()}`, { hint: this.#log.hint });
  }
}

/** Starts `java` and hands it the lock in the same turn of the event loop, so that no moment is without a holder. */
async function spawnJava(java: string, args: string[], paths: NodePaths, lock: DataLock) {
  const output = await open(StartLog.outputFile(paths.logs), 'w');
  try {
    const child = spawn(java, args, {
      cwd: paths.temporary,
      stdio: ['ignore', output.fd, output.fd],
      // Nothing of ours: the executor's environment holds its token. MALLOC_ARENA_MAX as in Cassandra's cassandra-env.sh.
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', HOME: paths.temporary, MALLOC_ARENA_MAX: '4' },
    });
    if (child.pid === undefined) await once(child, 'spawn');
    const { pid } = child;
    if (pid === undefined) throw new Error(`${java} has no process id`);
    lock.handOver(pid);
    return Object.assign(child, { pid });
  } finally {
    await output.close();
  }
}

function withAbsolutePaths(request: ServerRequest, workDirectory: string): ServerRequest {
  const absolute = (path: string) => resolve(workDirectory, path);
  return {
    ...request,
    cassandraHome: absolute(request.cassandraHome),
    jolokiaJar: absolute(request.jolokiaJar),
    javaHome: request.javaHome === null ? null : absolute(request.javaHome),
    dataDirectories: request.dataDirectories.map(absolute),
  };
}
