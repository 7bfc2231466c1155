import type { Clock } from '../clock.ts';
import type { GivenCredentials } from '../model/credentials.ts';

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
  /** All of stdin, to its end. */
  readStdin?: () => Promise<string>;
  /** Renames at a location that this host sees, for when there is no scheduler. */
  renameDirectly?: (renaming: DirectRenaming, signal?: AbortSignal) => Promise<Renamed>;
  /** How often --wait asks, in ms. Default 1000. */
  pollMs?: number;
  /** How long --wait bears a scheduler that does not answer, in ms. Default 5 minutes. */
  outageMs?: number;
}

/** What is to be renamed where. */
export interface DirectRenaming {
  location: string;
  /** Absent: the one at the location that has such an executor. */
  cluster?: string;
  from: string;
  to: string;
  /** One backup only. */
  name?: string;
  dryRun: boolean;
  credentials?: GivenCredentials;
}

export interface Renamed {
  backups: string[];
  files: number;
  bytes: number;
}

export type Output = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

export const DEFAULT_URL = 'http://127.0.0.1:18080';
