import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/**
 * Unpacks an archive into a folder with the host's tar. An agent is sure to have that, but perhaps no gzip: what is
 * gzipped is unzipped here, any other compression is up to tar. Throws with tar's own words.
 */
export async function untar(archive: string, folder: string): Promise<void> {
  const gzipped = await isGzipped(archive);
  // o: the archive's owners are nobody on this host.
  const tar = spawn('tar', ['-xof', gzipped ? '-' : archive], { cwd: folder, stdio: ['pipe', 'ignore', 'pipe'] });
  let complaint = '';
  tar.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-2000)));
  const fed = gzipped ? pipeline(createReadStream(archive), createGunzip(), tar.stdin) : tar.stdin.end();
  const [feeding, ending] = await Promise.allSettled([fed, once(tar, 'close')]);
  if (ending.status === 'rejected') throw ending.reason;
  // When tar has ended first, its own words say more than the broken pipe does.
  if (feeding.status === 'rejected' && !isBrokenPipe(feeding.reason)) throw feeding.reason;
  const [code] = ending.value as [number | null];
  if (code !== 0) throw new Error(`tar ended with ${code}: ${complaint.trim()}`);
}

async function isGzipped(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2);
    return buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

function isBrokenPipe(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
