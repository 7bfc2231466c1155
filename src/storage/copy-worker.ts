import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { allocateBuffers, copyFile } from './copy-file.ts';
import { LANES, type WorkerReply, type WorkerRequest, type WorkerStart } from './copy-protocol.ts';

/** Milliseconds between two words on progress. */
const PROGRESS_MS = 200;

const { stop, limited, niceness } = workerData as WorkerStart;
const port = parentPort!;
const buffers = Array.from({ length: LANES }, allocateBuffers);
/** For each lane who waits for a grant. */
const waiting: ((granted: number) => void)[] = [];

// On Linux 0 is the calling thread, not the process (setpriority(2)); elsewhere nobody asks for it.
if (niceness !== 0) setPriority(0, niceness);

port.on('message', (request: WorkerRequest) => {
  if ('granted' in request) waiting[request.lane]?.(request.granted);
  else void run(request);
});

/** Never rejects: every outcome is a reply. */
async function run({ lane, id, job }: Extract<WorkerRequest, { job: unknown }>): Promise<void> {
  let bytes = 0;
  let told = Date.now();
  const control = {
    async allow(wanted: number) {
      const granted = Atomics.load(limited, 0) === 0 ? wanted : await ask(wanted);
      if (granted === 0 || Atomics.load(stop, lane) === id) throw new Error('stopped');
      return granted;
    },
    onBytes(count: number) {
      bytes += count;
      if (Date.now() - told < PROGRESS_MS) return;
      port.postMessage({ lane, id, bytes } satisfies WorkerReply);
      told = Date.now();
      bytes = 0;
    },
  };
  async function ask(wanted: number): Promise<number> {
    const answer = new Promise<number>((resolve) => (waiting[lane] = resolve));
    port.postMessage({ lane, id, bytes, wanted } satisfies WorkerReply);
    told = Date.now();
    bytes = 0;
    return answer;
  }
  try {
    const result = await copyFile(job, buffers[lane]!, control);
    port.postMessage({ lane, id, bytes, result } satisfies WorkerReply);
  } catch (error) {
    const { message, code, syscall, path } = error as NodeJS.ErrnoException;
    port.postMessage({ lane, id, bytes, error: { message, code, syscall, path } } satisfies WorkerReply);
  }
}
