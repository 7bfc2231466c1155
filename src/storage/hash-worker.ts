import { createHash, type Hash } from 'node:crypto';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';

/** What is to be hashed, in the order of the messages; without a chunk: the end. */
export interface HashRequest {
  id: number;
  chunk: Uint8Array | null;
}

/** To each request one answer: the CRC-32 of the chunk, at the end the SHA-256 of all. */
export type HashReply = { id: number; crc32: number } | { id: number; sha256: string };

/** Bytes that are hashed in one go: they fit into a core's own cache, from where the second checksum reads them. */
const PIECE = 128 * 1024;

const hashes = new Map<number, Hash>();
const { niceness } = workerData as { niceness: number };
const port = parentPort!;

// On Linux 0 is the calling thread, not the process (setpriority(2)); elsewhere nobody asks for it.
if (niceness !== 0) setPriority(0, niceness);

port.on('message', ({ id, chunk }: HashRequest) => {
  const hash = hashes.get(id) ?? createHash('sha256');
  hashes.set(id, hash);
  if (chunk !== null) return port.postMessage({ id, crc32: add(hash, chunk) } satisfies HashReply);
  hashes.delete(id);
  port.postMessage({ id, sha256: hash.digest('hex') } satisfies HashReply);
});

function add(hash: Hash, chunk: Uint8Array): number {
  let crc = 0;
  for (let begin = 0; begin < chunk.length; begin += PIECE) {
    const piece = chunk.subarray(begin, begin + PIECE);
    hash.update(piece);
    crc = crc32(piece, crc);
  }
  return crc;
}
