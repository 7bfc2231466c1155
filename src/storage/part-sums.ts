/** What a store may hold a part against where that is not its CRC-32. */
export type StoreSum = 'md5' | 'crc32c';

/** What may be wanted of a chunk itself. */
export type PartSum = 'crc32' | StoreSum;

/** Checksums of a part. */
export interface PartSums {
  /** Unsigned. */
  crc32: number;
  /** Where the store wants it and it was computed already. */
  md5?: Uint8Array;
  /** The same; unsigned. */
  crc32c?: number;
}
