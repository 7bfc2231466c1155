import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
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
import { copyObject } from './s3-copy.ts';
import {
  explainS3,
  isEmptyObject,
  isExpired,
  isMissingBucket,
  isMissingObject,
  isPreconditionFailed,
} from './s3-errors.ts';
import type { S3Location } from './s3-location.ts';
import { writtenWith, type Written } from './s3-protection.ts';
import { aborting, crc32Text } from './s3-request.ts';
import { beginS3Upload } from './s3-upload.ts';
import { unfinishedUploads } from './s3-unfinished.ts';

const MIB = 1024 * 1024;

/** Amazon's own of an upload, and parts that are large enough to be fast and small enough to be sent again. */
const LIMITS: ObjectLimits = { part: 8 * MIB, parts: 10_000, partsAtOnce: 4, deletedAtOnce: 1000 };

/** Credentials that were read so recently (ms) are not out of date: the store has refused them for good. */
const RENEWED_MS = 60_000;

/** A place in a bucket. */
export class S3Store implements ObjectStore {
  readonly url: string;
  readonly limits = LIMITS;
  readonly #location: S3Location;
  readonly #connect: () => S3Client;
  #client: S3Client;
  /** Epoch ms. */
  #connected = Date.now();

  /** `connect` looks up the credentials anew. */
  constructor(location: S3Location, connect: () => S3Client) {
    this.url = location.url;
    this.#location = location;
    this.#connect = connect;
    this.#client = connect();
  }

  async check(create: boolean): Promise<void> {
    const { bucket: Bucket, prefix: Prefix, createBucket } = this.#location;
    try {
      // Not HEAD: its answer has no body, and so not the store's own words.
      await this.#client.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 }));
    } catch (error) {
      if (!isMissingBucket(error) || !create || !createBucket) throw error;
      const lock = this.#location.protection.objectLock === undefined ? {} : { ObjectLockEnabledForBucket: true };
      await this.#client.send(new CreateBucketCommand({ Bucket, ...lock }));
    }
  }

  async head(key: string): Promise<ObjectFacts | null> {
    try {
      const found = await this.#client.send(new HeadObjectCommand(this.#at(key)));
      const { ContentLength: size = 0, LastModified, ETag: version = '' } = found;
      return { size, modified: LastModified?.getTime() ?? 0, version };
    } catch (error) {
      if (isMissingObject(error)) return null;
      throw error;
    }
  }

  async read(...[key, range, { version, signal }]: Parameters<ObjectStore['read']>): ReturnType<ObjectStore['read']> {
    const Range = range === null ? {} : { Range: `bytes=${range.begin}-${range.begin + range.bytes - 1}` };
    const IfMatch = version === undefined ? {} : { IfMatch: version };
    try {
      const command = new GetObjectCommand({ ...this.#at(key), ...Range, ...IfMatch });
      const {
        Body,
        ContentRange,
        ContentLength,
        ETag = '',
      } = await this.#client.send(command, {
        abortSignal: signal,
      });
      const size = Number(ContentRange?.split('/')[1] ?? ContentLength);
      return { body: Body as AsyncIterable<Uint8Array>, size, version: ETag };
    } catch (error) {
      if (isMissingObject(error) || isPreconditionFailed(error)) return null;
      // No range begins in an empty object.
      if (range !== null && isEmptyObject(error)) return this.read(key, null, { version, signal });
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

  async page(prefix: string, { flat, after }: Parameters<ObjectStore['page']>[1]): Promise<ObjectPage> {
    const { bucket: Bucket, prefix: base } = this.#location;
    const page = await this.#client.send(
      new ListObjectsV2Command({
        Bucket,
        Prefix: base + prefix,
        ...(flat ? {} : { Delimiter: '/' }),
        ...(after === null ? {} : { ContinuationToken: after }),
      }),
    );
    const { Contents = [], CommonPrefixes = [], IsTruncated, NextContinuationToken: next } = page;
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

  async delete(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand(this.#at(key)));
  }

  async deleteAll(keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const Objects = keys.map((key) => ({ Key: this.#at(key).Key }));
    const command = new DeleteObjectsCommand({
      Bucket: this.#location.bucket,
      Delete: { Objects, Quiet: true },
      ChecksumAlgorithm: 'CRC32',
    });
    const { Errors = [] } = await this.#client.send(command, aborting(signal));
    const [first] = Errors;
    if (first === undefined) return;
    const said = `${Errors.length} of ${keys.length} were not deleted, the first ${first.Key}: ${first.Code}: ${first.Message}`;
    throw new OperatorError('STORAGE_FAILED', said);
  }

  copy(from: string, to: string, size: number, signal: AbortSignal | undefined): Promise<void> {
    const copy = { from: this.#at(from), to: this.#at(to), written: this.#written(to), size };
    return copyObject(this.#client, copy, signal);
  }

  unfinished(prefix: string): AsyncIterable<UnfinishedUpload> {
    return unfinishedUploads(this.#client, this.#location, prefix);
  }

  explain(error: unknown, operation: string): Failure {
    const failure = explainS3(error, `${operation} at ${this.url}`);
    if (!isExpired(error) || Date.now() - this.#connected < RENEWED_MS) return failure;
    this.#client = this.#connect();
    this.#connected = Date.now();
    return { ...failure, passing: true, retryAfterMs: 0 };
  }

  #written(key: string): Written {
    return writtenWith(this.#location.protection, key, Date.now());
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#location.bucket, Key: this.#location.prefix + key };
  }
}
