// Sandboxes of an agent: volumes appear in them, and old ones go.
import { rm } from 'node:fs/promises';
import type { Resource } from '../mesos/types.ts';
import type { AgentState, ExecutorRecord } from './agent-state.ts';
import { linkVolumes, unlinkVolumes } from './volumes.ts';

interface SandboxesOptions {
  state: AgentState;
  workDirectory: string;
  /** So many of executors that have ended are kept; the oldest go first. */
  keep: number;
}

export class Sandboxes {
  readonly #options: SandboxesOptions;

  constructor(options: SandboxesOptions) {
    this.#options = options;
  }

  link({ sandbox }: ExecutorRecord, resources: readonly Resource[] = []): void {
    linkVolumes(this.#options.workDirectory, sandbox, resources);
  }

  unlink({ sandbox }: ExecutorRecord, resources: readonly Resource[]): void {
    unlinkVolumes(sandbox, resources);
  }

  /** The executor has ended: its sandbox can still be read for a while. Links to volumes go with it, volumes never. */
  async ended({ sandbox }: ExecutorRecord): Promise<void> {
    const { state, keep } = this.#options;
    state.oldSandboxes.push(sandbox);
    const old = state.oldSandboxes.splice(0, Math.max(0, state.oldSandboxes.length - keep));
    for (const directory of old) await rm(directory, { recursive: true, force: true });
  }
}
