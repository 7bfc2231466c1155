import { stepsToPace } from '../jobs/pace.ts';
import { encodePace } from '../mesos/messages.ts';
import { send, type SchedulerContext } from './context.ts';
import { Repeats } from './repeats.ts';

/** A message may be lost, and nobody says so: the step's next report does, a second later. */
const REPEAT_MS = 10_000;

/** Tells steps at work how many bytes per second they may move, until their reports say that they have heard it. */
export class TellPace {
  readonly #context: SchedulerContext;
  readonly #repeats = new Repeats(REPEAT_MS);

  constructor(context: SchedulerContext) {
    this.#context = context;
  }

  async tell(): Promise<void> {
    const { jobs, state, clock } = this.#context;
    const job = jobs.running();
    const wanted = (job === null ? [] : stepsToPace(job)).map((pacing) => ({
      ...pacing,
      key: `${pacing.taskId} ${pacing.bandwidth}`,
    }));
    for (const { key, taskId, executorId, bandwidth } of this.#repeats.due(wanted, clock.now())) {
      const agentId = state.nodes.get(executorId)?.agentId ?? null;
      if (agentId === null) continue;
      const data = encodePace({ taskId, bandwidth });
      const message = { agentId: { value: agentId }, executorId: { value: executorId }, data };
      if (!(await send(this.#context, { type: 'MESSAGE', message }))) this.#repeats.forget(key);
    }
  }
}
