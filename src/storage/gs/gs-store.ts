import { randomUUID } from 'node:crypto';
import { OperatorError } from '../../errors.ts';
import type {
  Failure,
  ObjectFacts,
  ObjectLimits,
  ObjectPage,
  ObjectStore,
  ObjectUpload,
  UnfinishedUpload,
} from '../objects/object-store.ts';
import type { KeptUploads } from '../objects/kept-uploads.ts';
import { isFileKey } from '../layout.ts';
import { ShortRead } from '../objects/watch.ts';
import { crc32c, crc32cText } from '../crc32c.ts';
import { createBucket } from './gs-bucket.ts';
import type { GsClient } from './gs-client.ts';
import { explainGs, hasStatus, isMissingObject } from './gs-errors.ts';
import type { GsLocation } from './gs-location.ts';
import {
  checkMade,
  deleteObject,
  OBJECT_FIELDS,
  objectPath,
  objectsPath,
  type GsObject,
  type GsPlace,
} from './gs-object.ts';
import { beginGsUpload, jsonBody, type Written } from './gs-upload.ts';
import { KeptSession } from './kept-session.ts';

const MIB = 1024 * 1024;

/** The least that Google advises for the chunks of a session, which follow each other; an object has at most 5 TiB. */
const PART = 8 * MIB;
const LIMITS: ObjectLimits = {
  part: PART,
  parts: (5 * 1024 ** 4) / PART,
  partsAtOnce: 1,
  deletedAtOnce: 1000,
  partSum: 'crc32c',
};

/** Requests of `deleteAll` on their way at the same time. */
const DELETIONS = 16;

interface Listing {
  items?: (Pick<GsObject, 'size' | 'timeCreated'> & { name: string })[];
  prefixes?: string[];
  nextPageToken?: string;
}

/** A place in a bucket of Google Cloud Storage, by its JSON interface. */
export class GsStore implements ObjectStore {
  readonly url: string;
  readonly limits = LIMITS;
  readonly #location: GsLocation;
  readonly #client: GsClient;
  readonly #uploads: KeptUploads | undefined;

  /** `uploads`: where the sessions of uploads are kept, so that another process goes on with them. */
  constructor(location: GsLocation, client: GsClient, uploads?: KeptUploads) {
    this.url = location.url;
    this.#location = location;
    this.#client = client;
    this.#uploads = uploads;
  }

  async check(create: boolean, signal?: AbortSignal): Promise<void> {
    // Not the bucket itself: whoever may use its objects need not be allowed to see that.
    const look = () => this.#list({ prefix: this.#location.prefix, maxResults: 1 }, signal);
    try {
      await look();
    } catch (error) {
      if (!hasStatus(error, 404) || !create || !this.#location.createBucket) throw error;
      if (!(await createBucket(this.#client, this.#location, signal))) await look();
    }
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectFacts | null> {
    try {
      const query = { fields: OBJECT_FIELDS };
      const found = await this.#client.json<GsObject>({ path: this.#path(key), query, signal });
      return { size: Number(found.size), modified: Date.parse(found.timeCreated), version: found.generation };
    } catch (error) {
      if (isMissingObject(error)) return null;
      throw error;
    }
  }

  async read(...[key, range, how]: Parameters<ObjectStore['read']>): ReturnType<ObjectStore['read']> {
    const { version, signal, into, moved } = how;
    const pinned = version === undefined ? {} : { generation: version };
    const headers = range === null ? {} : { range: `bytes=${range.begin}-${range.begin + range.bytes - 1}` };
    try {
      const query = { alt: 'media', ...pinned };
      const request = { path: this.#path(key), query, headers, signal, into, moved };
      const { headers: told, body } = await this.#client.send(request);
      const { 'content-range': sent, 'x-goog-stored-content-length': stored, ...others } = told;
      const size = Number(sent?.split('/')[1] ?? stored ?? others['content-length']);
      return { body, size, version: String(others['x-goog-generation']) };
    } catch (error) {
      if (hasStatus(error, 404)) {
        // That answer has no word that only the store has.
        if (version !== undefined || (await this.head(key, signal)) === null) return null;
        throw new ShortRead('it has come since it was looked for');
      }
      // No range begins in an empty object.
      if (range !== null && hasStatus(error, 416)) return this.read(key, null, how);
      throw error;
    }
  }

  async put(key: string, body: Buffer, how: Parameters<ObjectStore['put']>[2]): Promise<boolean> {
    const sent = { size: body.length, crc32c: crc32cText(how.crc32c ?? crc32c(body)) };
    const place = this.#place(key);
    const { about: own, key: encrypting } = this.#written(key);
    const about = { name: place.name, contentType: 'application/octet-stream', crc32c: sent.crc32c, ...own };
    const boundary = randomUUID();
    const head = `--${boundary}\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(about)}\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`;
    try {
      const made = await this.#client.json<GsObject>({
        method: 'POST',
        path: `/upload${objectsPath(this.#location.bucket)}`,
        query: {
          uploadType: 'multipart',
          fields: OBJECT_FIELDS,
          ...(encrypting && { kmsKeyName: encrypting }),
          ...(how.onlyNew === true ? { ifGenerationMatch: 0 } : {}),
        },
        headers: { 'content-type': `multipart/related; boundary=${boundary}` },
        body: [Buffer.from(head), body, Buffer.from(`\r\n--${boundary}--\r\n`)],
        signal: how.signal,
      });
      await checkMade(this.#client, place, made, sent);
      return true;
    } catch (error) {
      if (how.onlyNew === true && hasStatus(error, 412)) return false;
      throw error;
    }
  }

  beginUpload(key: string, how: Parameters<ObjectStore['beginUpload']>[1]): Promise<ObjectUpload> {
    const kept = new KeptSession(this.#uploads, this.url, key);
    return beginGsUpload(this.#client, { place: this.#place(key), written: this.#written(key), kept }, how);
  }

  async page(prefix: string, { flat, after, signal }: Parameters<ObjectStore['page']>[1]): Promise<ObjectPage> {
    const { prefix: base } = this.#location;
    const grouping = flat ? {} : { delimiter: '/' };
    const going = after === null ? {} : { pageToken: after };
    const page = await this.#list({ prefix: base + prefix, ...grouping, ...going }, signal);
    return {
      objects: (page.items ?? []).map(({ name, size, timeCreated }) => {
        const modified = Date.parse(timeCreated);
        return { key: name.slice(base.length), size: Number(size), modified, changed: modified };
      }),
      folders: (page.prefixes ?? []).map((folder) => folder.slice(base.length)),
      next: page.nextPageToken ?? null,
    };
  }

  async delete(key: string, signal?: AbortSignal): Promise<void> {
    await deleteObject(this.#client, this.#place(key), { signal });
  }

  async deleteAll(keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const left = [...keys];
    const lane = async (): Promise<void> => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        await deleteObject(this.#client, this.#place(key), { signal });
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: DELETIONS }, lane));
    for (const result of lanes) if (result.status === 'rejected') throw result.reason;
  }

  /** Google copies a large object bit by bit, and wants to be asked again for each. */
  async copy(from: string, to: string, _size: number, signal: AbortSignal | undefined): Promise<void> {
    const target = this.#path(to).replace('/storage/v1', '');
    const path = `${this.#path(from)}/rewriteTo${target}`;
    const { about, key } = this.#written(to);
    // What an object is said to be takes the place of all that was said of the one that is copied.
    const contentType = 'application/octet-stream';
    const described = about.storageClass === undefined ? {} : jsonBody({ contentType, ...about });
    let token: string | undefined;
    do {
      const query = { ...(key && { destinationKmsKeyName: key }), ...(token && { rewriteToken: token }) };
      const answer = await this.#client.json<Rewriting>({ method: 'POST', path, query, ...described, signal });
      if (answer.done !== true && !answer.rewriteToken) {
        throw new OperatorError(
          'STORAGE_FAILED',
          `copying ${from} to ${to}: the answer says neither done nor how to go on`,
        );
      }
      token = answer.done === true ? undefined : answer.rewriteToken;
    } while (token !== undefined);
  }

  /** Sessions cannot be listed, and end by themselves after a week. */
  async *unfinished(): AsyncGenerator<UnfinishedUpload> {}

  explain(error: unknown, operation: string): Failure {
    return explainGs(error, `${operation} at ${this.url}`);
  }

  #list(query: Record<string, string | number>, signal: AbortSignal | undefined): Promise<Listing> {
    const fields = 'items(name,size,timeCreated),prefixes,nextPageToken';
    const path = objectsPath(this.#location.bucket);
    return this.#client.json({ path, query: { maxResults: 1000, fields, ...query }, signal });
  }

  /** Documents are replaced all the time, which cold classes charge for. */
  #written(key: string): Written {
    const { storageClass, kmsKey } = this.#location;
    return { about: storageClass !== null && isFileKey(key) ? { storageClass } : {}, key: kmsKey };
  }

  #path(key: string): string {
    return objectPath(this.#place(key));
  }

  #place(key: string): GsPlace {
    const { bucket, prefix } = this.#location;
    return { bucket, name: prefix + key };
  }
}

interface Rewriting {
  done?: boolean;
  rewriteToken?: string;
}
