import { SILENCE_MS } from '../network.ts';
import { attempt } from './retry.ts';
import type { Transfer } from './transfer.ts';
import { ShortRead, type Try } from './watch.ts';

type Reading = Pick<Transfer, 'store' | 'clock' | 'patience'>;

/** A whole object as text, in one request: whoever replaces it meanwhile, it is one or the other. Null: there is none. */
export async function readText(reading: Reading, key: string): Promise<string | null> {
  const read = async ({ signal, moved }: Try): Promise<string | null> => {
    const found = await reading.store.read(key, null, { checked: true, signal });
    return found === null ? null : (await collect(found.body, found.size, moved)).toString('utf8');
  };
  return attempt(reading, `reading ${key}`, read, undefined, SILENCE_MS);
}

/** The first bytes as text, and how many there are in all. Null: there is no such object. */
export async function readHead(
  reading: Reading,
  key: string,
  bytes: number,
): Promise<{ text: string; size: number } | null> {
  const read = async ({ signal, moved }: Try): Promise<{ text: string; size: number } | null> => {
    const found = await reading.store.read(key, { begin: 0, bytes }, { signal });
    if (found === null) return null;
    const start = await collect(found.body, Math.min(bytes, found.size), moved);
    // A character that was cut is left out.
    return { text: new TextDecoder().decode(start, { stream: true }), size: found.size };
  };
  return attempt(reading, `reading ${key}`, read, undefined, SILENCE_MS);
}

async function collect(body: AsyncIterable<Uint8Array>, bytes: number, moved: () => void): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    chunks.push(chunk);
    moved();
  }
  const all = Buffer.concat(chunks);
  if (all.length !== bytes) throw new ShortRead(`${all.length} of ${bytes} bytes came`);
  return all;
}
