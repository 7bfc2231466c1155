import { parentPort, workerData } from 'node:worker_threads';
import { allocateBuffers, copyFile } from './copy-file.ts';
import { LANES, type WorkerReply, type WorkerRequest } from './copy-protocol.ts';

/** Milliseconds between two words on progress. */
const PROGRESS_MS = 200;

// One shared number a lane, the job that is to stop: a thread in the middle of its work reads no messages.
const stop = new Int32Array(workerData as SharedArrayBuffer);
const port = parentPort!;
const buffers = Array.from({ length: LANES }, allocateBuffers);

port.on('message', (request: WorkerRequest) => void run(request));

/** Never rejects: every outcome is a reply. */
async function run({ lane, id, job }: WorkerRequest): Promise<void> {
  let bytes = 0;
  let told = Date.now();
  const control = {
    check() {
      if (Atomics.load(stop, lane) === id) throw new Error('stopped');
    },
    onBytes(count: number) {
      bytes += count;
      if (Date.now() - told < PROGRESS_MS) return;
      port.postMessage({ lane, id, bytes } satisfies WorkerReply);
      told = Date.now();
      bytes = 0;
    },
  };
  try {
    const result = await copyFile(job, buffers[lane]!, control);
    port.postMessage({ lane, id, bytes, result } satisfies WorkerReply);
  } catch (error) {
    const { message, code, syscall, path } = error as NodeJS.ErrnoException;
    port.postMessage({ lane, id, bytes, error: { message, code, syscall, path } } satisfies WorkerReply);
  }
}
