// An agent of the embedded Mesos: an HTTP endpoint for executors, and one life after another on the same directory.
import { wrapError } from '../errors.ts';
import { AgentRun, checkpointPath, type AgentOptions } from './agent-run.ts';
import { newState, type AgentState } from './agent-state.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { admitExecutor, answerExecutor, EXECUTOR_PATHS } from './executor-api.ts';
import { serve, type HttpEndpoint, type Request } from './http.ts';
import type { MasterLink } from './links.ts';
import { killGroup } from './process-group.ts';

interface Life {
  run: AgentRun;
  endpoint: HttpEndpoint;
}

export class Agent {
  readonly #options: AgentOptions;
  readonly #port: number;
  readonly #master: MasterLink;
  #life: Life | undefined;

  /** Port 0 takes any free one at the first start; later starts take that again: executors know it. */
  constructor(options: AgentOptions, port: number, master: MasterLink) {
    this.#options = options;
    this.#port = port;
    this.#master = master;
  }

  get id(): string {
    return this.#life?.run.agentId ?? '';
  }

  /** Starts as the agent that it was in this directory, with the executors that still run. */
  async start(): Promise<void> {
    const { ip, directory, log } = this.#options;
    const kept = await readCheckpoint<AgentState>(checkpointPath(directory));
    const state: AgentState = { ...newState(this.#port), ...kept };
    const run = new AgentRun(state, this.#options, this.#master);
    try {
      const handle = (request: Request) => answerExecutor(run, request, log);
      const endpoint = await serve({
        ip,
        port: state.port,
        paths: EXECUTOR_PATHS,
        admit: ({ authorization }) => admitExecutor(run, authorization),
        handle,
        log,
      });
      this.#life = { run, endpoint };
      state.port = endpoint.port;
      run.executors.recover();
      await run.connect();
    } catch (error) {
      throw wrapError(`start agent on ${ip}`, error);
    }
  }

  /** As if its process was killed: connections break, executors go on. */
  async stop(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    if (!life) return;
    this.#master.disconnected(life.run.agentId);
    await life.endpoint.close();
    await life.run.stop();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /**
   * As if the machine came back without the agent's metadata: no executor runs, and a new agent at the same address
   * knows of no reservation. Volumes are still on the disk, but nobody's.
   */
  async restartForgetting(): Promise<void> {
    const { directory, clock } = this.#options;
    await this.stop();
    const kept = await readCheckpoint<AgentState>(checkpointPath(directory));
    for (const { process } of kept?.executors ?? []) if (process) await killGroup(process, clock);
    const { port, oldSandboxes } = { ...newState(this.#port), ...kept };
    await writeCheckpoint(checkpointPath(directory), { ...newState(port), oldSandboxes });
    await this.start();
  }

  /** As if what the master says was lost on the way, which it does not notice, until `connect`. */
  deafen(): void {
    this.#life?.run.deafen();
  }

  /** As if the connection to a master that is gone: it speaks to none until `connect`. */
  disconnect(): void {
    this.#life?.run.disconnect();
  }

  /** As if the network to the master was cut for longer than the master waits. Executors and agent go on. */
  fail(): void {
    this.#life?.run.disconnect();
    this.#master.unreachable(this.id);
  }

  /** Registers again, after `fail` or at another master. */
  async connect(): Promise<void> {
    await this.#life?.run.connect();
  }

  /** Asks all executors to end; resolves when no process of theirs is left. */
  async shutdownExecutors(): Promise<void> {
    this.#life?.run.executors.shutdown();
    await this.#life?.run.executors.over();
  }
}
