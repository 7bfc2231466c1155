import type { ContainerClient, BlobItem, BlobPrefix } from '@azure/storage-blob';
import type { Clock } from '../../clock.ts';
import type {
  Failure,
  ObjectFacts,
  ObjectLimits,
  ObjectPage,
  ObjectStore,
  ObjectUpload,
  UnfinishedUpload,
} from '../objects/object-store.ts';
import { isFileKey } from '../layout.ts';
import { ShortRead } from '../objects/watch.ts';
import type { AzureClient } from './azure-client.ts';
import { copyBlob } from './azure-copy.ts';
import { explainAzure, hasCode, isMissingBlob, isRefused } from './azure-errors.ts';
import type { AzureLocation } from './azure-location.ts';
import { readInto } from './azure-http.ts';
import { beginAzureUpload, md5Of, type Written } from './azure-upload.ts';

const MIB = 1024 * 1024;

/** Azure's own of a blob's blocks, and parts that are large enough to be fast and small enough to be sent again. */
const LIMITS: ObjectLimits = { part: 8 * MIB, parts: 50_000, partsAtOnce: 4, deletedAtOnce: 1000, partSum: 'md5' };

/** Requests of `deleteAll` on their way at the same time: each of Azure's batches has but 256, and does them one after the other. */
const DELETIONS = 16;

/** Names of a page. Azure would give five times as many, of which each that comes cut costs as much. */
const PAGE = 1000;

/** A place in a container of Azure Blob Storage. */
export class AzureStore implements ObjectStore {
  readonly url: string;
  readonly limits = LIMITS;
  readonly #location: AzureLocation;
  readonly #client: AzureClient;
  readonly #clock: Clock;

  constructor(location: AzureLocation, client: AzureClient, clock: Clock) {
    this.url = location.url;
    this.#location = location;
    this.#client = client;
    this.#clock = clock;
  }

  async check(create: boolean, signal?: AbortSignal): Promise<void> {
    // Not the container itself: a SAS for its blobs may not look at that.
    const look = () => this.#list('', { flat: true, after: null, most: 1, signal });
    try {
      await look();
    } catch (error) {
      if (!hasCode(error, 'ContainerNotFound') || !create || !this.#location.createBucket) throw error;
      try {
        await this.#client.send((container) => container.create(aborting(signal)));
      } catch (second) {
        // Another node was faster, or the answer to an earlier try was lost.
        if (!hasCode(second, 'ContainerAlreadyExists')) throw second;
        await look();
      }
    }
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectFacts | null> {
    try {
      const found = await this.#client.send((container) =>
        container.getBlobClient(this.#name(key)).getProperties(aborting(signal)),
      );
      const { contentLength: size = 0, lastModified, etag: version = '' } = found;
      return { size, modified: lastModified?.getTime() ?? 0, version };
    } catch (error) {
      if (isMissingBlob(error)) return null;
      // The answer to a HEAD has no body: why it was refused says that to a GET.
      if (isRefused(error)) await this.#readNothing(key, signal);
      throw error;
    }
  }

  async read(...[key, range, how]: Parameters<ObjectStore['read']>): ReturnType<ObjectStore['read']> {
    const { version, signal } = how;
    const conditions = version === undefined ? {} : { conditions: { ifMatch: version } };
    readInto(signal, how);
    try {
      const answer = await this.#client.send((container) =>
        container
          .getBlobClient(this.#name(key))
          .download(range?.begin ?? 0, range?.bytes, { ...conditions, abortSignal: signal }),
      );
      const size = Number(answer.contentRange?.split('/')[1] ?? answer.contentLength);
      return { body: wholly(answer.readableStreamBody), size, version: answer.etag ?? '' };
    } catch (error) {
      if (isMissingBlob(error) || hasCode(error, 'ConditionNotMet')) return null;
      // No range begins in an empty blob.
      if (range !== null && hasCode(error, 'InvalidRange')) return this.read(key, null, how);
      throw error;
    }
  }

  async put(key: string, body: Buffer, how: Parameters<ObjectStore['put']>[2]): Promise<boolean> {
    const { onlyNew = false, md5 = md5Of(body), signal } = how;
    const options = {
      ...aborting(signal),
      ...this.#written(key),
      blobHTTPHeaders: { blobContentMD5: md5 },
      ...(onlyNew ? { conditions: { ifNoneMatch: '*' } } : {}),
    };
    try {
      await this.#client.send((container) =>
        container.getBlockBlobClient(this.#name(key)).upload(body, body.length, options),
      );
      return true;
    } catch (error) {
      if (onlyNew && hasCode(error, 'BlobAlreadyExists', 'ConditionNotMet')) return false;
      throw error;
    }
  }

  beginUpload(key: string, how: Parameters<ObjectStore['beginUpload']>[1]): Promise<ObjectUpload> {
    return beginAzureUpload(this.#client, { name: this.#name(key), written: this.#written(key) }, how);
  }

  async page(prefix: string, { flat, after, signal }: Parameters<ObjectStore['page']>[1]): Promise<ObjectPage> {
    const { blobs, prefixes, next } = await this.#list(prefix, { flat, after, most: PAGE, signal });
    const from = this.#location.prefix.length;
    return {
      objects: blobs.map(({ name, properties: { contentLength: size = 0, lastModified } }) => {
        const modified = lastModified.getTime();
        return { key: name.slice(from), size, modified, changed: modified };
      }),
      folders: prefixes.map(({ name }) => name.slice(from)),
      next,
    };
  }

  async delete(key: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#client.send((container) =>
        container.deleteBlob(this.#name(key), { ...aborting(signal), deleteSnapshots: 'include' }),
      );
    } catch (error) {
      if (!isMissingBlob(error)) throw error;
    }
  }

  async deleteAll(keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const left = [...keys];
    const lane = async (): Promise<void> => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) await this.delete(key, signal);
    };
    const lanes = await Promise.allSettled(Array.from({ length: DELETIONS }, lane));
    for (const result of lanes) if (result.status === 'rejected') throw result.reason;
  }

  copy(from: string, to: string, _size: number, signal: AbortSignal | undefined): Promise<void> {
    // In a scope by the container's default alone: the request for it knows no other.
    const { tier } = this.#written(to);
    const names = { from: this.#name(from), to: this.#name(to), ...(tier && { tier }) };
    return this.#client.send((container) => copyBlob(container, names, { clock: this.#clock, signal }));
  }

  /**
   * Blocks that are in no blob could be listed, but not ended: Azure has no request for that, and to write the blob and delete it again would be
   * seen, and would take the blocks of whoever is uploading it now. Azure collects them after a week.
   */
  async *unfinished(): AsyncGenerator<UnfinishedUpload> {}

  explain(error: unknown, operation: string): Failure {
    return explainAzure(error, `${operation} at ${this.url}`);
  }

  async #readNothing(key: string, signal: AbortSignal = new AbortController().signal): Promise<void> {
    const found = await this.read(key, { begin: 0, bytes: 1 }, { signal });
    // Begins and ends the answer, so that its connection is free.
    for await (const _ of found?.body ?? []) break;
  }

  #list(prefix: string, { flat, after, most, signal }: Listing): Promise<Listed> {
    return this.#client.send(async (container) => {
      const options = { ...aborting(signal), prefix: this.#location.prefix + prefix };
      const pages = { maxPageSize: most, ...(after === null ? {} : { continuationToken: after }) };
      try {
        const { value } = await pagesOf(container, flat, options, pages).next();
        const { blobItems: blobs, blobPrefixes: prefixes = [] } = value!.segment;
        return { blobs, prefixes, next: value!.continuationToken || null };
      } catch (error) {
        // The library stumbles over what is no listing; that must not pass for one of no blobs.
        throw error instanceof TypeError ? new ShortRead('what came is no listing', { cause: error }) : error;
      }
    });
  }

  /** Documents are replaced all the time, which cool tiers charge for. */
  #written(key: string): Written {
    const { accessTier, encryptionScope } = this.#location;
    return {
      ...(accessTier !== null && isFileKey(key) && { tier: accessTier }),
      ...(encryptionScope !== null && { encryptionScope }),
    };
  }

  #name(key: string): string {
    return this.#location.prefix + key;
  }
}

interface Listing {
  flat: boolean;
  after: string | null;
  /** Names of a page. */
  most: number;
  signal: AbortSignal | undefined;
}

interface Listed {
  blobs: BlobItem[];
  prefixes: BlobPrefix[];
  next: string | null;
}

interface Page {
  segment: { blobItems: BlobItem[]; blobPrefixes?: BlobPrefix[] };
  continuationToken?: string;
}

function pagesOf(
  container: ContainerClient,
  flat: boolean,
  options: { prefix: string },
  pages: { maxPageSize: number },
): AsyncIterator<Page, Page | undefined> {
  return flat
    ? container.listBlobsFlat(options).byPage(pages)
    : container.listBlobsByHierarchy('/', options).byPage(pages);
}

/** The library's stream says of one that was cut that somebody has ended it, or that less came than it should have. */
async function* wholly(body: NodeJS.ReadableStream | undefined): AsyncGenerator<Uint8Array> {
  try {
    yield* (body ?? []) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new ShortRead('the answer ended before its time', { cause: error });
  }
}

/** What the library takes. */
function aborting(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
