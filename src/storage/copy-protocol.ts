import type { CopyJob, CopyResult } from './copy-file.ts';

/**
 * Jobs that a thread has at the same time: while one waits for the disk, the other is read and hashed. Files of one
 * chunk need it, because there is nothing else to do while their only write is under way.
 */
export const LANES = 2;

/** What the pool sends: at most one job a lane. */
export interface WorkerRequest {
  lane: number;
  id: number;
  job: CopyJob;
}

/** What comes back: bytes while it works, and one result or one error. `bytes` count since the last message. */
export interface WorkerReply {
  lane: number;
  id: number;
  bytes: number;
  result?: CopyResult;
  error?: WorkerError;
}

/** A system error on its way between threads, which loses an error's own fields. */
export interface WorkerError {
  message: string;
  code: string | undefined;
  syscall: string | undefined;
  path: string | undefined;
}
