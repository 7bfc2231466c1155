import type { CopyJob, CopyResult } from './copy-file.ts';

/**
 * Jobs that a thread has at the same time: while one waits for the disk, the other is read and hashed. Files of one
 * chunk need it, because there is nothing else to do while their only write is under way.
 */
export const LANES = 2;

/** What a thread is started with: what it has to look at while it works, because in the middle of it it reads no messages. */
export interface WorkerStart {
  /** For each lane the id of the job that is to stop. */
  stop: Int32Array;
  /** Throttle.limited. */
  limited: Int32Array;
  /** How nice the thread is to others; see createCopyPool. */
  niceness: number;
}

/** What the pool sends: at most one job a lane, and what that may move when it has asked. */
export type WorkerRequest = { lane: number; id: number } & ({ job: CopyJob } | { granted: number });

/**
 * What comes back: bytes while it works, and one result or one error. `bytes` count since the last message. `wanted`: it waits until it is
 * granted some of so many bytes.
 */
export interface WorkerReply {
  lane: number;
  id: number;
  bytes: number;
  wanted?: number;
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
