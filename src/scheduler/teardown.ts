import { once } from 'node:events';
import { messageOf, OperatorError } from '../errors.ts';
import type { SchedulerContext } from './context.ts';
import { destroyDone, destroyStage } from './destroy.ts';

/** The end of a cluster that an operator wants destroyed: once all nodes are gone, the framework goes as well. */
export class Teardown {
  readonly #context: SchedulerContext;
  readonly #done = new AbortController();

  constructor(context: SchedulerContext) {
    this.#context = context;
  }

  /** Runs `subscription` until the signal aborts; once the framework is gone, ends it and just waits for the signal. */
  async run(subscription: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { state, log } = this.#context;
    if (destroyStage(state) !== 'DONE') {
      try {
        await subscription(AbortSignal.any([signal, this.#done.signal]));
      } catch (error) {
        const isRemoved = error instanceof OperatorError && error.code === 'FRAMEWORK_REMOVED';
        // The TEARDOWN reached the master, and its answer not us.
        if (!isRemoved || !this.#isNothingLeft()) throw error;
        destroyDone(state);
      }
    }
    if (destroyStage(state) !== 'DONE' || signal.aborted) return;
    log.warn(
      'the cluster is destroyed; this scheduler has nothing left to do: stop it, and delete its state directory',
    );
    await once(signal, 'abort');
  }

  async whenNothingIsLeft(): Promise<void> {
    const { client, state, log } = this.#context;
    if (!this.#isNothingLeft()) return;
    try {
      await client.call({ type: 'TEARDOWN' });
    } catch (error) {
      // Tried again with the next tick.
      log.warn({ err: messageOf(error) }, 'the master did not take TEARDOWN');
      return;
    }
    destroyDone(state);
    this.#done.abort();
  }

  #isNothingLeft(): boolean {
    const { state } = this.#context;
    return destroyStage(state) === 'WANTED' && state.nodes.all().length === 0;
  }
}
