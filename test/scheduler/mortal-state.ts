import type { State } from '../../src/state/database.ts';

/** What a scheduler meets that was killed: nothing of what it was about to do happens. */
export class Killed extends Error {}

/** When to die: just before the n-th transaction that changes a job is committed, or just after. */
export interface Fate {
  when: 'before' | 'after';
  at: number;
}

const CHANGES = new Set(['insert', 'save']);

/** The state of a scheduler that dies at a transition of a job: from then on it can neither read nor write. */
export class MortalState {
  readonly state: State;
  isDead = false;
  #fate: Fate | null = null;
  #depth = 0;
  #changesJob = false;
  readonly #onDeath: () => void;

  constructor(state: State, onDeath: () => void) {
    this.#onDeath = onDeath;
    const jobs = new Proxy(state.jobs, {
      get: (store, name) => this.#wrapped(Reflect.get(store, name) as Method, CHANGES.has(String(name))),
    });
    this.state = {
      jobs,
      framework: this.#mortal(state.framework),
      nodes: this.#mortal(state.nodes),
      backups: this.#mortal(state.backups),
      deliveries: this.#mortal(state.deliveries),
      schedules: this.#mortal(state.schedules),
      transaction: (fn) => this.#committing(() => state.transaction(() => this.#within(fn))),
      close: () => state.close(),
    };
  }

  /** Transitions are counted from now on; null: it lives on. */
  meets(fate: Fate | null): void {
    this.#fate = fate && { ...fate };
  }

  #mortal<Store extends object>(store: Store): Store {
    return new Proxy(store, { get: (target, name) => this.#wrapped(Reflect.get(target, name) as Method, false) });
  }

  #wrapped(method: Method, changesJob: boolean): Method {
    return (...args) => {
      if (!changesJob) return this.#alive(() => method(...args));
      return this.state.transaction(() => {
        this.#changesJob = true;
        return method(...args);
      });
    };
  }

  #alive<T>(act: () => T): T {
    if (this.isDead) throw new Killed();
    return act();
  }

  /** The outermost transaction is the one that is committed. */
  #committing<T>(transaction: () => T): T {
    return this.#alive(() => {
      if (this.#depth === 0) this.#changesJob = false;
      this.#depth += 1;
      try {
        return transaction();
      } finally {
        this.#depth -= 1;
        if (this.#depth === 0 && this.#changesJob && this.#fate?.when === 'after') this.#transition();
      }
    });
  }

  #within<T>(fn: () => T): T {
    const result = fn();
    if (this.#depth === 1 && this.#changesJob && this.#fate?.when === 'before') this.#transition();
    return result;
  }

  #transition(): void {
    if (this.#fate === null || --this.#fate.at > 0) return;
    this.isDead = true;
    this.#onDeath();
    throw new Killed();
  }
}

type Method = (...args: unknown[]) => unknown;
