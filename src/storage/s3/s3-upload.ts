import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  S3ServiceException,
  UploadPartCommand,
  type CompletedPart,
  type Part,
  type S3Client,
} from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { crc32 as crc32Of } from 'node:zlib';
import type { ObjectPart, ObjectStore, ObjectUpload } from '../objects/object-store.ts';
import { isMissingObject, isMissingUpload, isNotAllowed } from './s3-errors.ts';
import type { Written } from './s3-protection.ts';
import { aborting, crc32Text } from './s3-request.ts';

interface Place {
  Bucket: string;
  Key: string;
}

/** `client`: the one of now, which is another after credentials were renewed. */
export async function beginS3Upload(
  client: () => S3Client,
  { place, written }: { place: Place; written: Written },
  how: Parameters<ObjectStore['beginUpload']>[1],
): Promise<ObjectUpload> {
  const begun = await findBegun(client(), place, how);
  if (begun !== null) return new S3Upload(client, { ...place, UploadId: begun.uploadId }, begun.parts);
  const create = new CreateMultipartUploadCommand({ ...place, ...written, ChecksumAlgorithm: 'CRC32' });
  const { UploadId } = await client().send(create, { abortSignal: how.signal });
  return new S3Upload(client, { ...place, UploadId }, []);
}

/**
 * The newest upload of that very key that was cut short and is ours: its parts are of our size and have our kind of checksum, and the first is the
 * first of what is to be stored. Null where there is none, or where nobody may look.
 */
async function findBegun(
  client: S3Client,
  { Bucket, Key }: Place,
  { partBytes, firstCrc32, signal }: Parameters<ObjectStore['beginUpload']>[1],
): Promise<{ uploadId: string; parts: Part[] } | null> {
  try {
    const command = new ListMultipartUploadsCommand({ Bucket, Prefix: Key });
    const { Uploads = [] } = await client.send(command, { abortSignal: signal });
    const begun = Uploads.filter((upload) => upload.Key === Key);
    begun.sort((left, right) => (right.Initiated?.getTime() ?? 0) - (left.Initiated?.getTime() ?? 0));
    for (const { UploadId: uploadId } of begun) {
      if (uploadId === undefined) continue;
      const parts = await partsOf(client, { Bucket, Key, UploadId: uploadId }, signal);
      const first = parts.find(({ PartNumber }) => PartNumber === 1);
      if (first?.Size === partBytes && first.ChecksumCRC32 === crc32Text(firstCrc32)) return { uploadId, parts };
    }
    return null;
  } catch (error) {
    // It was ended meanwhile; or all is sent, as it is the first time.
    if (isMissingUpload(error) || isNotAllowed(error)) return null;
    throw error;
  }
}

/** The SDK's own paginator never ends where a store gives a marker with its last page. */
export async function partsOf(
  client: S3Client,
  upload: Place & { UploadId: string },
  signal?: AbortSignal,
): Promise<Part[]> {
  const parts: Part[] = [];
  let after: string | undefined;
  do {
    const command = new ListPartsCommand({ ...upload, PartNumberMarker: after });
    const page = await client.send(command, signal === undefined ? {} : { abortSignal: signal });
    parts.push(...(page.Parts ?? []));
    after = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  } while (after !== undefined);
  return parts;
}

interface SentPart extends CompletedPart {
  crc32: number;
  bytes: number;
}

class S3Upload implements ObjectUpload {
  readonly #client: () => S3Client;
  readonly #upload: Place & { UploadId: string | undefined };
  /** What an earlier try has brought, by part number. */
  readonly #there: ReadonlyMap<number, Part>;
  readonly #parts: SentPart[] = [];

  constructor(client: () => S3Client, upload: Place & { UploadId: string | undefined }, there: Part[]) {
    this.#client = client;
    this.#upload = upload;
    this.#there = new Map(there.map((part) => [part.PartNumber ?? 0, part]));
  }

  holds({ index, crc32, bytes }: Parameters<ObjectUpload['holds']>[0]): boolean {
    const { ETag, Size, ChecksumCRC32 } = this.#there.get(index + 1) ?? {};
    if (Size !== bytes || ChecksumCRC32 !== crc32Text(crc32)) return false;
    this.#parts[index] = { PartNumber: index + 1, ETag, crc32, bytes };
    return true;
  }

  async send({ index, body, crc32 }: ObjectPart, signal: AbortSignal): Promise<void> {
    const PartNumber = index + 1;
    const ChecksumCRC32 = crc32Text(crc32);
    const command = new UploadPartCommand({ ...this.#upload, PartNumber, ChecksumCRC32, Body: body });
    const { ETag } = await this.#client().send(command, { abortSignal: signal });
    this.#parts[index] = { PartNumber, ETag, crc32, bytes: body.length };
  }

  async complete(signal?: AbortSignal): Promise<void> {
    const Parts = this.#parts.map(({ PartNumber, ETag, crc32 }) => ({
      PartNumber,
      ETag,
      ChecksumCRC32: crc32Text(crc32),
    }));
    const command = new CompleteMultipartUploadCommand({ ...this.#upload, MultipartUpload: { Parts } });
    try {
      const answer = await this.#client().send(command, aborting(signal));
      // Some stores answer with a success, and even with the right ETag, when the upload is gone and any object is there.
      if ((this.#sameChecksum(answer) ?? (await this.#isOurs(signal))) !== false) return;
    } catch (error) {
      // The answer to an earlier request may have been lost, and then there is the object instead of the upload.
      if (!isMissingUpload(error) || (await this.#isOurs(signal)) !== true) throw error;
      return;
    }
    const said = { name: 'NoSuchUpload', message: 'another object is there', $fault: 'client', $metadata: {} } as const;
    throw new S3ServiceException(said);
  }

  async abort(): Promise<void> {
    await abortUpload(this.#client(), this.#upload);
  }

  /** Whether what is there is the object that these very parts make; null where the store does not tell. */
  async #isOurs(signal: AbortSignal | undefined): Promise<boolean | null> {
    const { Bucket, Key } = this.#upload;
    try {
      const command = new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' });
      const found = await this.#client().send(command, aborting(signal));
      if (found.ContentLength !== this.#parts.reduce((sum, { bytes }) => sum + bytes, 0)) return false;
      return this.#sameChecksum(found) ?? (found.ETag?.replaceAll('"', '') === this.#etag() ? true : null);
    } catch (error) {
      if (isMissingObject(error)) return false;
      throw error;
    }
  }

  /** Null: it is none of parts. */
  #sameChecksum({ ChecksumCRC32 }: { ChecksumCRC32?: string | undefined }): boolean | null {
    return ChecksumCRC32?.includes('-') ? ChecksumCRC32 === this.#checksum() : null;
  }

  /** As Amazon makes it: the MD5 of the parts' MD5s, and how many they are. With some encryption by the store it is another one. */
  #etag(): string {
    const md5s = this.#parts.map(({ ETag = '' }) => Buffer.from(ETag.replaceAll('"', ''), 'hex'));
    return `${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-${this.#parts.length}`;
  }

  /** The CRC-32 of the parts' CRC-32s, and how many they are. */
  #checksum(): string {
    const crc32s = this.#parts.map(({ crc32 }) => Buffer.from(crc32Text(crc32), 'base64'));
    return `${crc32Text(crc32Of(Buffer.concat(crc32s)))}-${this.#parts.length}`;
  }
}

/** Nothing happens where it has ended already. */
export async function abortUpload(client: S3Client, upload: Place & { UploadId: string | undefined }): Promise<void> {
  try {
    await client.send(new AbortMultipartUploadCommand(upload));
  } catch (error) {
    if (!isMissingUpload(error)) throw error;
  }
}
