import { promisify } from 'node:util';
import { constants, gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';
import type { Compression } from '../../model/backup.ts';
import { compressLz4, decompressLz4 } from './lz4.ts';

/** Compresses and decompresses one frame: zstd and gzip beside the event loop, lz4 in it. */
export interface Codec {
  compress(plain: Buffer): Promise<Buffer>;
  /** Throws where it would have more than `most` bytes, or is none of its kind. */
  decompress(packed: Buffer, most: number): Promise<Buffer>;
}

const [toZstd, fromZstd] = [promisify(zstdCompress), promisify(zstdDecompress)];
const [toGzip, fromGzip] = [promisify(gzip), promisify(gunzip)];

/** The levels at which a core is worth more than the bytes: see docs/decisions/0013. */
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };
const GZIP = { level: 1 };

export const CODECS: Readonly<Record<Compression, Codec>> = {
  zstd: {
    compress: (plain) => toZstd(plain, ZSTD),
    decompress: (packed, maxOutputLength) => fromZstd(packed, { maxOutputLength }),
  },
  gzip: {
    compress: (plain) => toGzip(plain, GZIP),
    decompress: (packed, maxOutputLength) => fromGzip(packed, { maxOutputLength }),
  },
  lz4: {
    compress: async (plain) => compressLz4(plain),
    decompress: async (packed, most) => decompressLz4(packed, most),
  },
};
