import { ListMultipartUploadsCommand, type Part, type S3Client } from '@aws-sdk/client-s3';
import type { UnfinishedUpload } from '../objects/object-store.ts';
import type { S3Location } from './s3-location.ts';
import { isMissingUpload } from './s3-errors.ts';
import { aborting } from './s3-request.ts';
import { abortUpload, partsOf } from './s3-upload.ts';

type Markers = { KeyMarker?: string; UploadIdMarker?: string };

/** Uploads below a prefix of the location that never ended. */
export async function* unfinishedUploads(
  client: S3Client,
  { bucket: Bucket, prefix: base }: S3Location,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<UnfinishedUpload> {
  let markers: Markers | null = {};
  while (markers !== null) {
    const wanted: Markers = markers;
    const command = new ListMultipartUploadsCommand({ Bucket, Prefix: base + prefix, ...wanted });
    const page = await client.send(command, aborting(signal));
    for (const { Key = '', UploadId, Initiated } of page.Uploads ?? []) {
      // Not every store heeds the prefix.
      if (UploadId === undefined || Initiated === undefined || !Key.startsWith(base + prefix)) continue;
      const upload = { Bucket, Key, UploadId };
      const parts = await partsOf(client, upload, signal).catch(noneLeft);
      if (parts === null) continue;
      yield {
        key: Key.slice(base.length),
        size: parts.reduce((sum, { Size = 0 }) => sum + Size, 0),
        initiated: Initiated.getTime(),
        end: () => abortUpload(client, upload),
      };
    }
    const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page;
    markers =
      IsTruncated && NextKeyMarker
        ? { KeyMarker: NextKeyMarker, ...(NextUploadIdMarker && { UploadIdMarker: NextUploadIdMarker }) }
        : null;
  }
}

/** It was ended meanwhile. */
function noneLeft(error: unknown): Part[] | null {
  if (isMissingUpload(error)) return null;
  throw error;
}
