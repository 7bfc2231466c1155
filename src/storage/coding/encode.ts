import type { Codec } from './codecs.ts';
import type { FrameCipher } from './frame-cipher.ts';
import { inOrder } from './in-order.ts';

/** What one frame holds. */
export interface Chunk {
  /** To be used no more when AT_ONCE others have come after it. */
  plain: Buffer;
  isLast: boolean;
  /** Compressed already. */
  packed?: Buffer;
}

/** Is told each frame's tag before the frame is given out, and throws where it must not be. */
export interface Ledger {
  enter(tag: Buffer): Promise<void>;
}

/** The highest bit of a frame's length says that it is the last. */
export const LAST = 0x8000_0000;

/** Frames of one file that are worked on at once: while one is on its way, the next is compressed, and one is read. */
export const AT_ONCE = 2;

/**
 * A file as it is stored: its header, then frames. A frame is the length of its content (four bytes), of an encrypted file its tag, and the content.
 * Chunks are not compressed without a codec. `ledger`: of the frames of an encrypted file.
 */
export async function* encode(
  chunks: AsyncIterable<Chunk>,
  header: Buffer,
  codec: Codec | null,
  cipher: FrameCipher | null,
  ledger: Ledger | null = null,
): AsyncGenerator<Buffer> {
  yield header;
  const pack = async ({ plain, isLast, packed }: Chunk) => ({
    isLast,
    packed: packed ?? (codec === null ? plain : await codec.compress(plain)),
  });
  for await (const { packed, isLast } of inOrder(chunks, AT_ONCE, pack)) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(packed.length + (isLast ? LAST : 0));
    if (cipher === null) {
      yield length;
      yield packed;
    } else {
      const { tag, sealed } = cipher.seal(packed, isLast);
      await ledger?.enter(tag);
      yield Buffer.concat([length, tag]);
      yield sealed;
    }
  }
}
