import { parentPort, workerData } from 'node:worker_threads';
import { allocateBuffers, copyFile, type CopyJob, type CopyResult } from './copy-file.ts';

/** What the pool sends: one job at a time. */
export interface WorkerRequest {
  id: number;
  job: CopyJob;
}

/** What comes back: bytes while it works, and one result or one error. `bytes` count since the last message. */
export interface WorkerReply {
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

/** Milliseconds between two words on progress. */
const PROGRESS_MS = 200;

// One shared number, the job that is to stop, so that a worker in the middle of a chunk needs no message loop.
const stop = new Int32Array(workerData as SharedArrayBuffer);
const port = parentPort!;
const buffers = allocateBuffers();

port.on('message', (request: WorkerRequest) => void run(request));

/** Never rejects: every outcome is a reply. */
async function run({ id, job }: WorkerRequest): Promise<void> {
  let bytes = 0;
  let told = Date.now();
  const control = {
    check() {
      if (Atomics.load(stop, 0) === id) throw new Error('stopped');
    },
    onBytes(count: number) {
      bytes += count;
      if (Date.now() - told < PROGRESS_MS) return;
      port.postMessage({ id, bytes } satisfies WorkerReply);
      told = Date.now();
      bytes = 0;
    },
  };
  try {
    const result = await copyFile(job, buffers, control);
    port.postMessage({ id, bytes, result } satisfies WorkerReply);
  } catch (error) {
    const { message, code, syscall, path } = error as NodeJS.ErrnoException;
    port.postMessage({ id, bytes, error: { message, code, syscall, path } } satisfies WorkerReply);
  }
}
