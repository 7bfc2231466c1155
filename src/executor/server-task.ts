import { pause, type Clock } from '../clock.ts';
import { messageOf, OperatorError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { encodeExecutorMessage, encodeHealth } from '../mesos/messages.ts';
import type { ExecutorClient } from '../mesos/types.ts';
import type { NodeHealth } from '../model/node.ts';
import type { ServerRequest } from '../model/step.ts';
import type { Server, StartServer } from './server.ts';
import type { TaskUpdates } from './task-updates.ts';

export interface ServerTaskDependencies {
  startServer: StartServer;
  client: ExecutorClient;
  updates: TaskUpdates;
  /** Told with the node's health. */
  sealingKey: string;
  clock: Clock;
  log: Logger;
}

/** How long a Cassandra that failed to start gets for its end; it has nothing to save. */
const FAILED_START_GRACE_MS = 10_000;

/** The life of one server task: STARTING → RUNNING (with health) → FAILED | KILLED. */
export class ServerTask {
  readonly taskId: string;
  readonly request: ServerRequest;
  /** Resolves when the task has ended and was reported; never rejects. */
  readonly ended: Promise<void>;
  readonly #deps: ServerTaskDependencies;
  readonly #kill = new AbortController();
  #server: Server | null = null;
  #ready = false;
  #over = false;
  #graceMs = FAILED_START_GRACE_MS;

  constructor(taskId: string, request: ServerRequest, deps: ServerTaskDependencies) {
    this.taskId = taskId;
    this.request = request;
    this.#deps = { ...deps, log: deps.log.child({ task: taskId }) };
    this.ended = this.#run();
  }

  /** True as soon as the end is being reported: from then on another task may have the node. */
  get over(): boolean {
    return this.#over;
  }

  /** The server once it was NORMAL, while it is to go on running. */
  get server(): Server | null {
    return this.#ready && !this.#kill.signal.aborted ? this.#server : null;
  }

  /** The server since its process was started, whatever became of it: its directories stay. */
  get started(): Server | null {
    return this.#server;
  }

  /** Drains and stops Cassandra; by force when it takes longer than `graceMs`. */
  async kill(graceMs: number): Promise<void> {
    if (!this.#over && !this.#kill.signal.aborted) {
      this.#graceMs = graceMs;
      await this.#deps.updates.send(this.taskId, { state: 'TASK_KILLING' });
      this.#kill.abort(new OperatorError('NODE_STOPPED', 'the node is being stopped'));
    }
    await this.ended;
  }

  async #run(): Promise<void> {
    const { updates, log } = this.#deps;
    try {
      await updates.send(this.taskId, { state: 'TASK_STARTING' });
      const end = await this.#live();
      const killed = this.#kill.signal.aborted;
      this.#over = true;
      log.info({ end, killed }, 'Cassandra has ended');
      await updates.send(this.taskId, { state: killed ? 'TASK_KILLED' : 'TASK_FAILED', message: end });
    } catch (error) {
      log.error({ err: error }, 'the server task could not be reported');
    }
  }

  /** Returns how Cassandra ended, in words; by then the process is gone. */
  async #live(): Promise<string> {
    const { startServer, log } = this.#deps;
    const { signal } = this.#kill;
    try {
      signal.throwIfAborted();
      const server = await startServer(this.request, signal);
      this.#server = server;
      await server.ready(signal);
      this.#ready = true;
      return await this.#watch(server);
    } catch (error) {
      if (!signal.aborted) log.warn({ reason: messageOf(error) }, 'Cassandra failed');
      await this.#server?.stop({ drain: this.#ready, graceMs: this.#graceMs });
      return messageOf(error);
    } finally {
      this.#ready = false;
    }
  }

  /** Tells the node's health until the process ends or the task is killed; then ends the process. */
  async #watch(server: Server): Promise<string> {
    const { signal } = this.#kill;
    const gone = new AbortController();
    const end = server.exited.then((how) => {
      gone.abort();
      return how;
    });
    await this.#tellHealth(server, AbortSignal.any([signal, gone.signal]));
    if (signal.aborted) {
      await server.stop({ drain: true, graceMs: this.#graceMs });
      return `stopped: ${await end}`;
    }
    return `Cassandra ended (${await end}): ${await server.lastErrors()}`;
  }

  async #tellHealth(server: Server, until: AbortSignal): Promise<void> {
    const { clock, log, client, updates, sealingKey } = this.#deps;
    let told: string | null = null;
    while (!until.aborted) {
      try {
        const health = { ...(await healthOf(server, until)), sealingKey };
        const word = 'error' in health ? health.error : health.operationMode;
        const healthy = word === 'NORMAL';
        const data = 'error' in health ? {} : { data: encodeHealth(health) };
        // A status update is delivered for sure but costs a round trip through the master: only for what has changed.
        if (word !== told && !until.aborted) {
          await updates.send(this.taskId, { state: 'TASK_RUNNING', healthy, message: word, ...data });
        }
        if (!('error' in health)) await client.message(encodeExecutorMessage({ health }));
        told = word;
        await clock.sleep(this.request.healthIntervalMs, until);
      } catch (error) {
        if (until.aborted) return;
        // The wire is down for the moment; the client brings it back.
        log.warn({ reason: messageOf(error) }, 'health was not delivered');
        told = null;
        await pause(clock, this.request.healthIntervalMs, until);
      }
    }
  }
}

async function healthOf(server: Server, signal: AbortSignal): Promise<NodeHealth | { error: string }> {
  try {
    return await server.node.health(signal);
  } catch (error) {
    signal.throwIfAborted();
    return { error: messageOf(error) };
  }
}
