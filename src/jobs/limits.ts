/** How long a cluster job waits for what, in ms. Every wait ends. */
export interface Limits {
  /** For a step whose turn it is to be launched: its node to become ready, its agent to offer room. */
  nodeReadyMs: number;
  /** For a sign of life of a running step, before its task is killed. */
  silenceMs: number;
  /** For a killed task to end, before it is given up as lost. */
  killMs: number;
  /** How many times a step is tried again. */
  retries: number;
  /** Before the first retry; doubles with each one … */
  backoffMs: number;
  /** … up to this. */
  backoffMaxMs: number;
  /** In place of nodeReadyMs and silenceMs while cleaning up, for nobody waits for that, and in a preflight, for all wait for it. */
  cleanupMs: number;
}

export const defaultLimits: Limits = {
  nodeReadyMs: 10 * 60_000,
  silenceMs: 5 * 60_000,
  killMs: 60_000,
  retries: 3,
  backoffMs: 5_000,
  backoffMaxMs: 60_000,
  cleanupMs: 60_000,
};
