import { createHash } from 'node:crypto';
import type { BlockBlobClient } from '@azure/storage-blob';
import type { ObjectPart, ObjectStore, ObjectUpload } from '../objects/object-store.ts';
import type { AzureClient } from './azure-client.ts';
import { isMissingBlob } from './azure-errors.ts';
import type { AccessTier } from './azure-location.ts';

/** How a blob is kept. */
export interface Written {
  tier?: AccessTier;
  encryptionScope?: string;
}

type Facts = Parameters<ObjectUpload['holds']>[0];

/** A block's name says what is in it, so that a later process knows which are there. Those of one blob all have to be of one length. */
export function blockId({ index, bytes, crc32 }: Facts): string {
  const id = Buffer.alloc(12);
  id.writeUInt32BE(index);
  id.writeUInt32BE(bytes, 4);
  id.writeUInt32BE(crc32, 8);
  return id.toString('base64');
}

/** What the store holds what came against. */
export function md5Of(body: Buffer): Uint8Array {
  return createHash('md5').update(body).digest();
}

/** Begins a blob of blocks, or goes on with the blocks that an earlier try has brought. */
export async function beginAzureUpload(
  client: AzureClient,
  { name, written }: { name: string; written: Written },
  { signal }: Pick<Parameters<ObjectStore['beginUpload']>[1], 'signal'>,
): Promise<ObjectUpload> {
  try {
    const { uncommittedBlocks = [] } = await client.send((container) =>
      container.getBlockBlobClient(name).getBlockList('uncommitted', { abortSignal: signal }),
    );
    return new AzureUpload(client, { name, written }, new Set(uncommittedBlocks.map((block) => block.name)));
  } catch (error) {
    if (!isMissingBlob(error)) throw error;
    return new AzureUpload(client, { name, written }, new Set());
  }
}

class AzureUpload implements ObjectUpload {
  readonly #client: AzureClient;
  readonly #name: string;
  readonly #written: Written;
  /** What an earlier try has brought. */
  readonly #there: ReadonlySet<string>;
  readonly #blocks: string[] = [];

  constructor(client: AzureClient, { name, written }: { name: string; written: Written }, there: ReadonlySet<string>) {
    this.#client = client;
    this.#name = name;
    this.#written = written;
    this.#there = there;
  }

  holds(part: Facts): boolean {
    const id = blockId(part);
    if (!this.#there.has(id)) return false;
    this.#blocks[part.index] = id;
    return true;
  }

  async send({ index, body, crc32, md5 = md5Of(body) }: ObjectPart, signal: AbortSignal): Promise<void> {
    const id = blockId({ index, crc32, bytes: body.length });
    const { encryptionScope } = this.#written;
    const scope = encryptionScope === undefined ? {} : { encryptionScope };
    const options = { ...scope, abortSignal: signal, transactionalContentMD5: md5 };
    await this.#blob((blob) => blob.stageBlock(id, body, body.length, options));
    this.#blocks[index] = id;
  }

  /** The list may be sent again: its blocks are taken wherever they are, in the blob already or not yet. */
  async complete(signal?: AbortSignal): Promise<void> {
    const options = { ...this.#written, ...(signal === undefined ? {} : { abortSignal: signal }) };
    await this.#blob((blob) => blob.commitBlockList(this.#blocks, options));
  }

  /**
   * Azure has no request for it: only writing the blob ends blocks that are in none, and what is visible there must not change. Azure collects
   * them a week after the last one came.
   */
  abort(): Promise<void> {
    return Promise.resolve();
  }

  #blob<T>(act: (blob: BlockBlobClient) => Promise<T>): Promise<T> {
    return this.#client.send((container) => act(container.getBlockBlobClient(this.#name)));
  }
}
