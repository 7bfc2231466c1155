import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OperatorError, messageOf } from '../errors.ts';
import type { CopyPool } from './copy-pool.ts';
import { openFileStorage } from './file-storage.ts';
import { checkKey } from './layout.ts';
import { MemoryBudget } from './memory-budget.ts';
import { parseS3Location } from './s3-location.ts';
import { openS3Storage } from './s3-storage.ts';
import type { Storage } from './storage.ts';

export interface StorageDeps {
  pool: CopyPool;
  /** Where a relative directory begins: the executor's sandbox. */
  baseDirectory: string;
  /** True for a backup: a missing directory is made. False for a restore: a missing directory is an error. */
  create: boolean;
  /** Object stores: what all transfers of the process may hold in memory. */
  memory?: MemoryBudget;
  /** Variables of the process, where credentials may be. */
  env?: NodeJS.ProcessEnv;
  /** False: somebody waits for an answer, so a store that is busy or far away is given up soon. Default true. */
  patient?: boolean;
}

/** Bytes that all transfers of a process may hold in memory, unless it has another budget. */
export const MEMORY_BYTES = 64 * 1024 ** 2;

/** What openStorage understands, for messages. */
const SUPPORTED = 's3://bucket/prefix, file:///directory, /directory, or a directory relative to the sandbox';

/**
 * Opens a location: `s3://bucket/prefix`, `file:///abs/dir`, `/abs/dir` or `dir` below `baseDirectory`. Throws BAD_REQUEST for anything
 * else, STORAGE_FAILED when the place cannot be used, and STORAGE_UNAVAILABLE when it cannot now.
 */
export async function openStorage(url: string, deps: StorageDeps): Promise<Storage> {
  const { pool, create, memory = new MemoryBudget(MEMORY_BYTES), env = {}, patient = true } = deps;
  if (isS3(url)) return openS3Storage(parseS3Location(url), { pool, create, memory, env, patient });
  return openFileStorage(locationDirectory(url, deps.baseDirectory), deps.pool, deps.create);
}

/** True for a location in an object store. */
export function isS3(url: string): boolean {
  return /^s3:\/\//i.test(url);
}

/** The absolute directory that a location names. Throws BAD_REQUEST. */
export function locationDirectory(url: string, baseDirectory: string): string {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase();
  if (url === '' || url.includes('\0') || (scheme !== undefined && scheme !== 'file')) {
    throw unsupported(scheme === undefined ? JSON.stringify(url) : `${scheme}://`);
  }
  if (scheme === 'file') return fromFileUrl(url);
  if (isAbsolute(url)) return resolve(url);
  checkKey(url.replace(/\/+$/, ''));
  return resolve(baseDirectory, url);
}

function fromFileUrl(url: string): string {
  try {
    const directory = fileURLToPath(url);
    if (directory.includes('\0')) throw new Error('it holds a NUL');
    return resolve(directory);
  } catch (error) {
    throw unsupported(`${JSON.stringify(url)} (${messageOf(error)})`, error);
  }
}

/** Names the scheme only: the rest of an unknown URL may hold secrets. */
function unsupported(got: string, cause?: unknown): OperatorError {
  return new OperatorError('BAD_REQUEST', `Expected the location as ${SUPPORTED}, got ${got}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Other kinds of location are not supported in this version: mount the place as a directory.',
  });
}
