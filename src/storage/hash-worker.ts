import { createHash, type Hash } from 'node:crypto';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { crc32c } from './crc32c.ts';
import type { PartSum, PartSums } from './part-sums.ts';

/** What is to be hashed, in the order of the messages. `file`: whose SHA-256 it goes into; null for none. Without a chunk: the file's end. */
export type HashRequest =
  { file: number | null; chunk: Uint8Array; sums: readonly PartSum[] } | { file: number; chunk: null; sums?: never };

/** To each request one answer: what was wanted of the chunk, at the end the SHA-256 of the file. */
export type HashReply = Partial<PartSums> & { sha256?: string };

/** Bytes that are hashed in one go: they fit into a core's own cache, from where the next checksum reads them. */
const PIECE = 128 * 1024;

const hashes = new Map<number, Hash>();
const { niceness } = workerData as { niceness: number };
const port = parentPort!;

// On Linux 0 is the calling thread, not the process (setpriority(2)); elsewhere nobody asks for it.
if (niceness !== 0) setPriority(0, niceness);

port.on('message', ({ file, chunk, sums }: HashRequest) => {
  if (chunk !== null)
    return port.postMessage(add(chunk, file === null ? null : hashOf(file), sums) satisfies HashReply);
  const sha256 = hashOf(file).digest('hex');
  hashes.delete(file);
  port.postMessage({ sha256 } satisfies HashReply);
});

function hashOf(file: number): Hash {
  const hash = hashes.get(file) ?? createHash('sha256');
  hashes.set(file, hash);
  return hash;
}

function add(chunk: Uint8Array, hash: Hash | null, sums: readonly PartSum[]): HashReply {
  const md5 = sums.includes('md5') ? createHash('md5') : null;
  const crcs: { crc32?: number; crc32c?: number } = {};
  for (let begin = 0; begin < chunk.length; begin += PIECE) {
    const piece = chunk.subarray(begin, begin + PIECE);
    hash?.update(piece);
    md5?.update(piece);
    if (sums.includes('crc32')) crcs.crc32 = crc32(piece, crcs.crc32);
    if (sums.includes('crc32c')) crcs.crc32c = crc32c(piece, crcs.crc32c);
  }
  return md5 === null ? crcs : { ...crcs, md5: md5.digest() };
}
