import type { Clock } from '../clock.ts';

/** What the commands need from the process they run in. */
export interface CliDeps {
  stdout: Output;
  stderr: Output;
  /** Where the scheduler listens unless --url says otherwise. Null: `DEFAULT_URL`. */
  url: string | null;
  /** Bearer token of the API. */
  token: string | null;
  clock: Clock;
  /** Called when one of our commands runs, not for those added later. Its signal ends the waiting; a job goes on. */
  stopSignal?: () => AbortSignal;
  /** How often --wait asks, in ms. Default 1000. */
  pollMs?: number;
  /** How long --wait bears a scheduler that does not answer, in ms. Default 5 minutes. */
  outageMs?: number;
}

export type Output = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

export const DEFAULT_URL = 'http://127.0.0.1:18080';
