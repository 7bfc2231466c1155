// How a secret travels to one executor without anybody on its way being able to read it: X25519 with a key of the moment, HKDF-SHA256,
// AES-256-GCM (RFC 7748, 5869, 5116). What it is meant for is bound to it: opened for anything else it is refused.
import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { OperatorError } from './errors.ts';

const LABEL = 'cassandra-mesos sealed 1';
const CIPHER = 'aes-256-gcm';
/** In bytes. */
const [PUBLIC_KEY, KEY, NONCE, TAG] = [32, 32, 12, 16];

/** Who can open what was sealed for `publicKey`. The private key never leaves the process. */
export class SealingKey {
  /** Base64url. No secret. */
  readonly publicKey: string;
  readonly #privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('x25519');
    this.publicKey = rawOf(publicKey).toString('base64url');
    this.#privateKey = privateKey;
  }

  /** Throws TASK_LOST for what was sealed for another key or purpose, or was changed on its way: sealed anew it may be opened. */
  open(sealed: string, purpose: string): string {
    const bytes = Buffer.from(sealed, 'base64url');
    try {
      const ephemeral = bytes.subarray(0, PUBLIC_KEY);
      const shared = diffieHellman({ privateKey: this.#privateKey, publicKey: publicKeyOf(ephemeral) });
      const { key, nonce } = derived(shared, ephemeral, Buffer.from(this.publicKey, 'base64url'));
      const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG });
      decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(-TAG));
      return Buffer.concat([decipher.update(bytes.subarray(PUBLIC_KEY, -TAG)), decipher.final()]).toString();
    } catch (error) {
      const message = 'expected credentials that were sealed for this executor and task, got others';
      throw new OperatorError('TASK_LOST', message, { cause: error });
    }
  }
}

/** Seals a text for whoever has that public key, and for one purpose. Throws INTERNAL for what is no such key. */
export function seal(text: string, publicKey: string, purpose: string): string {
  const recipient = Buffer.from(publicKey, 'base64url');
  if (recipient.length !== PUBLIC_KEY) throw new OperatorError('INTERNAL', 'expected the public key of an executor');
  const ephemeral = generateKeyPairSync('x25519');
  const sender = rawOf(ephemeral.publicKey);
  const shared = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: publicKeyOf(recipient) });
  // A key for this one text: its nonce needs no chance of its own.
  const { key, nonce } = derived(shared, sender, recipient);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG });
  cipher.setAAD(Buffer.from(purpose));
  const content = Buffer.concat([cipher.update(text), cipher.final()]);
  return Buffer.concat([sender, content, cipher.getAuthTag()]).toString('base64url');
}

function derived(shared: Buffer, sender: Buffer, recipient: Buffer): { key: Buffer; nonce: Buffer } {
  const bytes = Buffer.from(hkdfSync('sha256', shared, Buffer.concat([sender, recipient]), LABEL, KEY + NONCE));
  return { key: bytes.subarray(0, KEY), nonce: bytes.subarray(KEY) };
}

function rawOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}

function publicKeyOf(raw: Buffer): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: raw.toString('base64url') }, format: 'jwk' });
}
