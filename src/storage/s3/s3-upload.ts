import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  type CompletedPart,
  type Part,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ObjectPart, ObjectStore, ObjectUpload } from '../objects/object-store.ts';
import type { Written } from './s3-protection.ts';
import { crc32Text } from './s3-request.ts';

interface Place {
  Bucket: string;
  Key: string;
}

/** `client`: the one of now, which is another after credentials were renewed. */
export async function beginS3Upload(
  client: () => S3Client,
  { place, written }: { place: Place; written: Written },
  { partBytes, signal }: Parameters<ObjectStore['beginUpload']>[1],
): Promise<ObjectUpload> {
  const begun = await findBegun(client(), place, partBytes, signal);
  if (begun !== null) return new S3Upload(client, { ...place, UploadId: begun.uploadId }, begun.parts);
  const create = new CreateMultipartUploadCommand({ ...place, ...written, ChecksumAlgorithm: 'CRC32' });
  const { UploadId } = await client().send(create, { abortSignal: signal });
  return new S3Upload(client, { ...place, UploadId }, []);
}

/** The newest upload of that very key that was cut short, if its parts can be told from others by checksum. */
async function findBegun(
  client: S3Client,
  { Bucket, Key }: Place,
  partBytes: number,
  signal: AbortSignal,
): Promise<{ uploadId: string; parts: Part[] } | null> {
  const abort = { abortSignal: signal };
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }), abort);
  const ours = Uploads.filter((upload) => upload.Key === Key && upload.UploadId !== undefined);
  ours.sort((left, right) => (right.Initiated?.getTime() ?? 0) - (left.Initiated?.getTime() ?? 0));
  const uploadId = ours[0]?.UploadId;
  if (uploadId === undefined) return null;
  const parts = await partsOf(client, { Bucket, Key, UploadId: uploadId }, signal);
  const isFit = parts.some(({ ChecksumCRC32, Size }) => ChecksumCRC32 !== undefined && Size === partBytes);
  return isFit ? { uploadId, parts } : null;
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

class S3Upload implements ObjectUpload {
  readonly #client: () => S3Client;
  readonly #upload: Place & { UploadId: string | undefined };
  /** What an earlier try has brought, by part number. */
  readonly #there: ReadonlyMap<number, Part>;
  readonly #parts: CompletedPart[] = [];

  constructor(client: () => S3Client, upload: Place & { UploadId: string | undefined }, there: Part[]) {
    this.#client = client;
    this.#upload = upload;
    this.#there = new Map(there.map((part) => [part.PartNumber ?? 0, part]));
  }

  holds({ index, crc32, bytes }: Parameters<ObjectUpload['holds']>[0]): boolean {
    const { ETag, Size, ChecksumCRC32 } = this.#there.get(index + 1) ?? {};
    if (Size !== bytes || ChecksumCRC32 !== crc32Text(crc32)) return false;
    this.#parts[index] = { PartNumber: index + 1, ETag, ChecksumCRC32 };
    return true;
  }

  async send({ index, body, crc32 }: ObjectPart, signal: AbortSignal): Promise<void> {
    const part = { PartNumber: index + 1, ChecksumCRC32: crc32Text(crc32) };
    const command = new UploadPartCommand({ ...this.#upload, ...part, Body: body });
    const { ETag } = await this.#client().send(command, { abortSignal: signal });
    this.#parts[index] = { ...part, ETag };
  }

  async complete(): Promise<void> {
    const command = new CompleteMultipartUploadCommand({ ...this.#upload, MultipartUpload: { Parts: this.#parts } });
    await this.#client().send(command);
  }

  async abort(): Promise<void> {
    await this.#client().send(new AbortMultipartUploadCommand(this.#upload));
  }
}
