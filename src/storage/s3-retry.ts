import { setTimeout as pause } from 'node:timers/promises';

/** How often something is read when the connection breaks in the middle of it. The SDK itself tries again only what did not begin. */
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

/** The connection ended before the answer did. */
export class ShortRead extends Error {}

const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_PREMATURE_CLOSE']);

/** Reads again, later and later, what breaks in the middle. */
export async function whileBroken<T>(act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isBroken(error) || attempt === ATTEMPTS) throw error;
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
      await pause(Math.random() * longest, undefined, signal === undefined ? {} : { signal });
    }
  }
}

function isBroken(error: unknown): boolean {
  const { code, name } = Object(error) as { code?: unknown; name?: unknown };
  return error instanceof ShortRead || name === 'TimeoutError' || BROKEN.has(String(code));
}
