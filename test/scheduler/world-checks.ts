import type Database from 'better-sqlite3';
import { isTerminal } from '../../src/mesos/task-state.ts';
import type { SchedulerCall, TaskInfo, TaskStatus } from '../../src/mesos/types.ts';
import type { ModelAgent, ModelTask } from './model-agent.ts';
import type { ModelMesos } from './model-mesos.ts';

/** What must never happen, seen from where everything is known. */
export class WorldChecks {
  readonly faults: string[] = [];
  readonly #mesos: () => ModelMesos;
  /** The state file as another process sees it: what is in memory only is not there. */
  readonly #file: () => Database.Database;
  /** Tasks of which the scheduler was told that they have ended, or that nobody knows them; or that it gave up. */
  readonly #over = new Set<string>();
  /** Tasks that the master was asked about, or to kill. */
  readonly #mentioned = new Set<string>();

  constructor(mesos: () => ModelMesos, file: () => Database.Database) {
    this.#mesos = mesos;
    this.#file = file;
  }

  /** An update that is handed to the scheduler. */
  onTold({ taskId, state }: TaskStatus): void {
    if (isTerminal(state) || state === 'TASK_UNKNOWN') this.#over.add(taskId.value);
  }

  /** A call that the master has read. */
  onCall(call: SchedulerCall): void {
    if (call.type === 'ACKNOWLEDGE') this.#checkStored(call.acknowledge.taskId.value, call.acknowledge.uuid);
    if (call.type === 'KILL') {
      this.#mayGiveUp(call.kill.taskId.value);
      this.#mentioned.add(call.kill.taskId.value);
    }
    if (call.type === 'RECONCILE') for (const { taskId } of call.reconcile.tasks) this.#mentioned.add(taskId.value);
    if (call.type !== 'ACCEPT') return;
    for (const operation of call.accept.operations) {
      if (operation.type === 'LAUNCH') operation.launch.taskInfos.forEach((task) => this.#checkLaunch(task));
    }
  }

  /** A step that is silent and cannot be killed is given up; a server never is. */
  #mayGiveUp(taskId: string): void {
    if (!taskId.includes('.server.')) this.#over.add(taskId);
  }

  #checkLaunch({ taskId, executor }: TaskInfo): void {
    if (this.#mentioned.has(taskId.value))
      this.faults.push(`${taskId.value} is launched after its state was asked for`);
    const isServer = taskId.value.includes('.server.');
    for (const { task } of liveTasks(this.#mesos().agents)) {
      if (task.executorId !== executor?.executorId.value || (task.step === null) !== isServer) continue;
      if (!this.#over.has(task.taskId)) this.faults.push(`${taskId.value} is launched while ${task.taskId} is at work`);
    }
  }

  /** What an acknowledged update says is in the file. */
  #checkStored(taskId: string, uuid: Uint8Array): void {
    const status = this.#mesos()
      .agents.flatMap(({ tasks }) => tasks.flatMap(({ updates }) => updates))
      .find((update) => Buffer.compare(update.status.uuid ?? new Uint8Array(), uuid) === 0)?.status;
    if (!status || !isTerminal(status.state)) return;
    const nodes = this.#file().prepare('SELECT document FROM nodes').all() as { document: string }[];
    const isServer = nodes.some(
      ({ document }) => (JSON.parse(document) as { serverTaskId: string }).serverTaskId === taskId,
    );
    const step = this.#file()
      .prepare("SELECT 1 FROM steps WHERE task_id = ? AND state IN ('LAUNCHING', 'RUNNING')")
      .get(taskId);
    if (isServer || step) this.faults.push(`${taskId} ${status.state} is acknowledged and not stored`);
  }

  /** What must hold at every moment, whatever the scheduler knows. */
  onRest(): void {
    const seen = new Map<string, string>();
    const once = (key: string, taskId: string): void => {
      const other = seen.get(key);
      if (other !== undefined) this.faults.push(`${key}: ${other} and ${taskId}`);
      seen.set(key, taskId);
    };
    for (const { agent, task } of liveTasks(this.#mesos().agents)) {
      // One that is refused by its executor ends at once.
      if (task.step === null) once(`a server on ${agent.hostname}`, task.taskId);
      if (task.step === null) once(`a server of ${task.executorId}`, task.taskId);
      else once(`${task.step.phase} of job ${task.step.jobId} by ${task.executorId}`, task.taskId);
    }
    for (const agent of this.#mesos().agents) {
      for (const [executorId, { info }] of agent.executors) {
        for (const { disk } of info.resources ?? []) {
          if (disk?.persistence) once(`volume ${disk.persistence.id}`, executorId);
        }
      }
    }
  }
}

/** What is at work, also where the master does not see it. */
export function liveTasks(agents: ModelAgent[]): { agent: ModelAgent; task: ModelTask }[] {
  return agents.flatMap((agent) => agent.liveTasks.map((task) => ({ agent, task })));
}
