import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

/** Bytes of each frame's tag. */
export const TAG_BYTES = 16;
export const SALT_BYTES = 32;

const ALGORITHM = 'aes-256-gcm';

/**
 * AES-256-GCM frame by frame, after the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce is the frame's number and whether
 * it is the last, so that none can be left out, moved or added. Each file has a key of its own, made from the operator's, a random salt and the file's
 * header: no nonce is ever used twice with a key, and another header opens nothing.
 */
export class FrameCipher {
  readonly #key: KeyObject;
  #frame = 0;

  constructor(secret: KeyObject, salt: Buffer, header: Buffer) {
    const info = Buffer.concat([Buffer.from('cassandra-mesos file\0'), header]);
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, salt, info, 32)));
  }

  /** The next frame's tag, and its content. */
  seal(plain: Buffer, isLast: boolean): { tag: Buffer; sealed: Buffer } {
    const cipher = createCipheriv(ALGORITHM, this.#key, this.#nonce(isLast));
    const sealed = cipher.update(plain);
    cipher.final();
    return { tag: cipher.getAuthTag(), sealed };
  }

  /** Null where it is not the next frame as it was sealed. */
  open(tag: Buffer, sealed: Buffer, isLast: boolean): Buffer | null {
    const decipher = createDecipheriv(ALGORITHM, this.#key, this.#nonce(isLast), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(tag);
    const plain = decipher.update(sealed);
    try {
      decipher.final();
      return plain;
    } catch {
      // It says no more than that the tag is another one.
      return null;
    }
  }

  /** Eleven bytes of its number, the highest first, and one for the last frame. */
  #nonce(isLast: boolean): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeUIntBE(this.#frame, 5, 6);
    nonce[11] = isLast ? 1 : 0;
    this.#frame += 1;
    return nonce;
  }
}
