import { z } from 'zod';
import type { KeptUploads } from '../objects/kept-uploads.ts';

const session = z.object({
  /** Below the endpoint, with its query. Whoever knows it may write that one object. */
  path: z.string().regex(/^\/(?!\/)/),
  /** Bytes of each part but the last. */
  partBytes: z.number(),
  /** Of the first part. */
  firstCrc32: z.number(),
});

export type Session = z.output<typeof session>;

/** The session of an upload as it is kept on the node: Google finds it by its path alone. Without a memory it never is. */
export class KeptSession {
  readonly #uploads: KeptUploads | undefined;
  readonly #path: string;

  constructor(uploads: KeptUploads | undefined, location: string, key: string) {
    this.#uploads = uploads;
    this.#path = uploads?.path('session', location, key) ?? '';
  }

  /** Null where none is kept. */
  async find(): Promise<Session | null> {
    const text = await this.#uploads?.read(this.#path);
    if (!text) return null;
    try {
      return session.parse(JSON.parse(text));
    } catch {
      // Whatever it is, it is none of ours: the file is sent from its beginning.
      return null;
    }
  }

  async keep(kept: Session): Promise<void> {
    await this.#uploads?.keep(this.#path, JSON.stringify(kept));
  }

  async forget(): Promise<void> {
    await this.#uploads?.forget(this.#path);
  }
}
