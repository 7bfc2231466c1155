import { crc32 } from 'node:zlib';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { OperatorError } from '../errors.ts';
import { checkKey, checkPrefix } from './layout.ts';
import { isEmptyObject, isMissingBucket, isMissingObject, s3Error } from './s3-errors.ts';
import type { S3Location } from './s3-location.ts';
import { whileBroken } from './s3-retry.ts';
import { aborting, crc32Text, type S3Object } from './s3-object.ts';

/** What one call may delete. */
export const MOST_DELETED = 1000;

/** The requests of a place in a bucket, by key of the storage. Whatever fails is said with the operation. */
export class S3Bucket {
  readonly location: S3Location;
  readonly client: S3Client;
  readonly #transfer: Pick<S3Object, 'memory' | 'throttle'>;

  constructor(location: S3Location, client: S3Client, transfer: Pick<S3Object, 'memory' | 'throttle'>) {
    this.location = location;
    this.client = client;
    this.#transfer = transfer;
  }

  /** Throws where the bucket cannot be used; makes it when the location says so and it is going to be written to. */
  async check(create: boolean): Promise<void> {
    const { bucket: Bucket, prefix: Prefix, createBucket } = this.location;
    await this.attempt(`looking for bucket ${Bucket}`, async () => {
      try {
        // Not HEAD: its answer has no body, and so not the store's own words.
        await this.client.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 }));
      } catch (error) {
        if (!isMissingBucket(error) || !create || !createBucket) throw error;
        await this.client.send(new CreateBucketCommand({ Bucket }));
      }
    });
  }

  object(key: string): S3Object {
    const { bucket, prefix } = this.location;
    return { client: this.client, bucket, key: prefix + checkKey(key), ...this.#transfer };
  }

  /** Null: there is no such object. `modified` in epoch ms, as exact as seconds. */
  async head(key: string): Promise<{ size: number; modified: number } | null> {
    const { bucket: Bucket, key: Key } = this.object(key);
    return this.attempt(`looking for ${key}`, async () => {
      try {
        const found = await this.client.send(new HeadObjectCommand({ Bucket, Key }));
        return { size: found.ContentLength ?? 0, modified: found.LastModified?.getTime() ?? 0 };
      } catch (error) {
        if (isMissingObject(error)) return null;
        throw error;
      }
    });
  }

  /** A whole object as text, in one request: whoever replaces it meanwhile, it is one or the other. Null: there is none. */
  async text(key: string): Promise<string | null> {
    const { bucket: Bucket, key: Key } = this.object(key);
    return this.attempt(`reading ${key}`, () =>
      whileBroken(async () => {
        try {
          const { Body } = await this.client.send(new GetObjectCommand({ Bucket, Key }));
          return (await Body?.transformToString('utf8')) ?? '';
        } catch (error) {
          if (isMissingObject(error)) return null;
          throw error;
        }
      }),
    );
  }

  /** The first bytes, and how many there are in all. Null: there is no such object. */
  async start(key: string, bytes: number): Promise<{ text: string; size: number } | null> {
    const { bucket: Bucket, key: Key } = this.object(key);
    return this.attempt(`reading ${key}`, async () => {
      try {
        const command = new GetObjectCommand({ Bucket, Key, Range: `bytes=0-${bytes - 1}` });
        const { Body, ContentRange, ContentLength = 0 } = await this.client.send(command);
        const text = (await Body?.transformToString('utf8')) ?? '';
        return { text, size: Number(ContentRange?.split('/')[1] ?? ContentLength) };
      } catch (error) {
        if (isMissingObject(error)) return null;
        // No range begins in an empty object.
        if (isEmptyObject(error)) return { text: '', size: 0 };
        throw error;
      }
    });
  }

  /** `IfNoneMatch: '*'`: only where nothing is. */
  async put(key: string, content: string, condition: { IfNoneMatch?: string } = {}): Promise<void> {
    const Body = Buffer.from(content);
    const { bucket: Bucket, key: Key } = this.object(key);
    const put = { Bucket, Key, Body, ChecksumCRC32: crc32Text(crc32(Body)), ...condition };
    await this.client.send(new PutObjectCommand(put));
  }

  /** Listings come in pages of 1,000. Keys in them are the bucket's: see keyOf. */
  async *pages(prefix: string, how: { Delimiter?: string } = {}): AsyncGenerator<ListObjectsV2CommandOutput> {
    const { bucket: Bucket, prefix: base } = this.location;
    const wanted = { Bucket, Prefix: base + checkPrefix(prefix), ...how };
    let token: string | undefined;
    do {
      const next = token === undefined ? {} : { ContinuationToken: token };
      const page = await this.attempt(`listing ${prefix}`, () =>
        this.client.send(new ListObjectsV2Command({ ...wanted, ...next })),
      );
      yield page;
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  /** The storage's key of a bucket's. */
  keyOf(key: string): string {
    return key.slice(this.location.prefix.length);
  }

  async delete(key: string): Promise<void> {
    const { bucket: Bucket, key: Key } = this.object(key);
    await this.attempt(`deleting ${key}`, () => this.client.send(new DeleteObjectCommand({ Bucket, Key })));
  }

  /** At most MOST_DELETED. */
  async deleteAll(keys: string[], signal: AbortSignal | undefined): Promise<void> {
    const Objects = keys.map((key) => ({ Key: this.object(key).key }));
    const command = new DeleteObjectsCommand({
      Bucket: this.location.bucket,
      Delete: { Objects, Quiet: true },
      ChecksumAlgorithm: 'CRC32',
    });
    await this.attempt(`deleting ${keys.length} objects`, async () => {
      const { Errors = [] } = await this.client.send(command, aborting({ ...(signal && { signal }) }));
      const [first] = Errors;
      if (first === undefined) return;
      const said = `${Errors.length} of ${keys.length} were not deleted, the first ${first.Key}: ${first.Code}: ${first.Message}`;
      throw new OperatorError('STORAGE_FAILED', said);
    });
  }

  async attempt<T>(operation: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw s3Error(error, operation, this.location);
    }
  }

  /** Ends the connections. */
  close(): void {
    this.client.destroy();
  }
}
