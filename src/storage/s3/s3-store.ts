import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectRetentionCommand,
  S3ServiceException,
  type S3Client,
} from '@aws-sdk/client-s3';
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
import { ShortRead } from '../objects/watch.ts';
import { copyObject } from './s3-copy.ts';
import {
  explainS3,
  isEmptyObject,
  isExpired,
  isMissingBucket,
  isMissingKey,
  isMissingObject,
  isPassing,
  isRefused,
  isTakenBucket,
  isPreconditionFailed,
} from './s3-errors.ts';
import type { S3Location } from './s3-location.ts';
import { writtenWith, type Written } from './s3-protection.ts';
import { checkLock, mayRetain, renewedRetention, retentionOf } from './s3-retention.ts';
import { aborting, crc32Text, reading } from './s3-request.ts';
import { beginS3Upload } from './s3-upload.ts';
import { unfinishedUploads } from './s3-unfinished.ts';

const MIB = 1024 * 1024;

/** Amazon's own of an upload, and parts that are large enough to be fast and small enough to be sent again. */
const LIMITS: ObjectLimits = { part: 8 * MIB, parts: 10_000, partsAtOnce: 4, deletedAtOnce: 1000 };

/** A place in a bucket. */
export class S3Store implements ObjectStore {
  readonly url: string;
  readonly limits = LIMITS;
  readonly #location: S3Location;
  readonly #connect: () => S3Client;
  #client: S3Client;
  /** Clients whose credentials were good at least once. */
  readonly #accepted = new WeakSet<S3Client>();
  /** Who was asked when an error came. */
  readonly #asked = new WeakMap<object, S3Client>();

  /** `connect` looks up the credentials anew. */
  constructor(location: S3Location, connect: () => S3Client) {
    this.url = location.url;
    this.#location = location;
    this.#connect = connect;
    this.#client = this.#newClient();
  }

  async check(create: boolean, signal?: AbortSignal): Promise<void> {
    const { bucket: Bucket, prefix: Prefix, createBucket } = this.#location;
    // Not HEAD: its answer has no body, and so not the store's own words.
    const look = async (): Promise<void> => {
      await this.#client.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 }), aborting(signal));
      if (create) await checkLock(this.#client, this.#location, signal);
    };
    try {
      await look();
    } catch (error) {
      if (!isMissingBucket(error) || !create || !createBucket) throw error;
      const lock = this.#location.protection.objectLock === undefined ? {} : { ObjectLockEnabledForBucket: true };
      try {
        await this.#client.send(new CreateBucketCommand({ Bucket, ...lock }), aborting(signal));
      } catch (second) {
        // Another node was faster, or the answer to an earlier try was lost.
        if (!isTakenBucket(second)) throw second;
        await look();
      }
    }
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectFacts | null> {
    try {
      const found = await this.#client.send(new HeadObjectCommand(this.#at(key)), aborting(signal));
      const { ContentLength: size = 0, LastModified, ETag: version = '' } = found;
      return { size, modified: LastModified?.getTime() ?? 0, version, ...retentionOf(found) };
    } catch (error) {
      if (!isRefused(error)) throw error;
      // The answer to a HEAD has no body: why it was refused, or that it is the store that knows of no such object, says that to a GET.
      const get = new GetObjectCommand({ ...this.#at(key), Range: 'bytes=0-0' });
      try {
        const { Body } = await this.#client.send(get, reading({ signal }));
        for await (const _ of Body as AsyncIterable<Uint8Array>) break;
      } catch (second) {
        if (isMissingKey(second)) return null;
        throw second;
      }
      throw isMissingObject(error) ? new ShortRead('it has come since it was looked for') : error;
    }
  }

  async read(...[key, range, how]: Parameters<ObjectStore['read']>): ReturnType<ObjectStore['read']> {
    const { version, checked = false, ...options } = how;
    const Range = range === null ? {} : { Range: `bytes=${range.begin}-${range.begin + range.bytes - 1}` };
    const IfMatch = version === undefined ? {} : { IfMatch: version };
    try {
      const ChecksumMode = checked ? ({ ChecksumMode: 'ENABLED' } as const) : {};
      const command = new GetObjectCommand({ ...this.#at(key), ...Range, ...IfMatch, ...ChecksumMode });
      const answer = await this.#client.send(command, reading(options));
      const { ContentRange, ContentLength, ETag = '' } = answer;
      const size = Number(ContentRange?.split('/')[1] ?? ContentLength);
      const body = answer.Body as AsyncIterable<Uint8Array>;
      return { body: checked ? unlessAltered(body) : body, size, version: ETag };
    } catch (error) {
      if (isMissingKey(error) || isPreconditionFailed(error)) return null;
      // No range begins in an empty object.
      if (range !== null && isEmptyObject(error)) return this.read(key, null, how);
      throw error;
    }
  }

  async put(key: string, Body: Buffer, how: Parameters<ObjectStore['put']>[2]): Promise<boolean> {
    const { onlyNew = false, crc32, signal } = how;
    const put = {
      ...this.#at(key),
      ...this.#written(key),
      Body,
      ChecksumCRC32: crc32Text(crc32),
      ...(onlyNew ? { IfNoneMatch: '*' } : {}),
    };
    try {
      await this.#client.send(new PutObjectCommand(put), aborting(signal));
      return true;
    } catch (error) {
      if (onlyNew && isPreconditionFailed(error)) return false;
      throw error;
    }
  }

  beginUpload(key: string, how: Parameters<ObjectStore['beginUpload']>[1]): Promise<ObjectUpload> {
    return beginS3Upload(() => this.#client, { place: this.#at(key), written: this.#written(key) }, how);
  }

  async page(prefix: string, { flat, after, signal }: Parameters<ObjectStore['page']>[1]): Promise<ObjectPage> {
    const { bucket: Bucket, prefix: base } = this.#location;
    const page = await this.#client.send(
      new ListObjectsV2Command({
        Bucket,
        Prefix: base + prefix,
        ...(flat ? {} : { Delimiter: '/' }),
        ...(after === null ? {} : { ContinuationToken: after }),
      }),
      aborting(signal),
    );
    const { Contents = [], CommonPrefixes = [], IsTruncated, NextContinuationToken: next, KeyCount = 0 } = page;
    // What was cut or exchanged on its way must not pass for a listing with fewer objects.
    if (IsTruncated === undefined) throw new ShortRead('what came is no listing');
    const count = Contents.length + CommonPrefixes.length;
    if (count < KeyCount) throw new ShortRead(`${count} of ${KeyCount} keys came`);
    if (IsTruncated && !next) throw new OperatorError('STORAGE_FAILED', `the list of ${prefix} has no next page`);
    return {
      objects: Contents.map(({ Key = '', Size: size = 0, LastModified }) => {
        const modified = LastModified?.getTime() ?? 0;
        return { key: Key.slice(base.length), size, modified, changed: modified };
      }),
      folders: CommonPrefixes.map(({ Prefix = '' }) => Prefix.slice(base.length)),
      next: IsTruncated ? (next ?? null) : null,
    };
  }

  async delete(key: string, signal?: AbortSignal): Promise<void> {
    await this.#client.send(new DeleteObjectCommand(this.#at(key)), aborting(signal));
  }

  async deleteAll(keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const Objects = keys.map((key) => ({ Key: this.#at(key).Key }));
    const command = new DeleteObjectsCommand({
      Bucket: this.#location.bucket,
      Delete: { Objects, Quiet: true },
      ChecksumAlgorithm: 'CRC32',
    });
    const { Errors = [] } = await this.#client.send(command, aborting(signal));
    const worst = Errors.find(({ Code }) => !isPassing(Code)) ?? Errors[0];
    if (worst === undefined) return;
    const message = `${Errors.length} of ${keys.length} were not deleted, among them ${worst.Key}: ${worst.Message}`;
    throw new S3ServiceException({ name: worst.Code ?? '', message, $fault: 'server', $metadata: {} });
  }

  copy(from: string, to: string, size: number, signal: AbortSignal | undefined): Promise<void> {
    const copy = { from: this.#at(from), to: this.#at(to), written: this.#written(to), size };
    return copyObject(this.#client, copy, signal);
  }

  retains(signal: AbortSignal): Promise<boolean> {
    return mayRetain(this.#client, this.#location, signal);
  }

  async retainAnew(key: string, facts: ObjectFacts, signal: AbortSignal): Promise<void> {
    const Retention = renewedRetention(this.#location.protection, facts, Date.now());
    if (Retention === null) return;
    const command = new PutObjectRetentionCommand({ ...this.#at(key), Retention, ChecksumAlgorithm: 'CRC32' });
    await this.#client.send(command, { abortSignal: signal });
  }

  unfinished(prefix: string, signal: AbortSignal | undefined): AsyncIterable<UnfinishedUpload> {
    return unfinishedUploads(this.#client, this.#location, prefix, signal);
  }

  explain(error: unknown, operation: string): Failure {
    const failure = explainS3(error, `${operation} at ${this.url}`);
    if (!isExpired(error)) return failure;
    const asked = this.#asked.get(Object(error) as object) ?? this.#client;
    // What was never good is not renewed again and again; what is may have been renewed already for others that were under way.
    if (!this.#accepted.has(asked)) return failure;
    if (asked === this.#client) this.#client = this.#newClient();
    return { ...failure, passing: true, retryAfterMs: 0 };
  }

  #newClient(): S3Client {
    const client = this.#connect();
    client.middlewareStack.add(
      (next) => async (args) => {
        try {
          const answer = await next(args);
          this.#accepted.add(client);
          return answer;
        } catch (error) {
          if (error instanceof Object) this.#asked.set(error, client);
          throw error;
        }
      },
      { step: 'initialize', name: 'whoWasAsked' },
    );
    return client;
  }

  #written(key: string): Written {
    return writtenWith(this.#location.protection, key, Date.now());
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#location.bucket, Key: this.#location.prefix + key };
  }
}

/** The SDK itself holds what came against the checksum that came with it. */
async function* unlessAltered(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Checksum mismatch')) throw new ShortRead(error.message);
    throw error;
  }
}
