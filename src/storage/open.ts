import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OperatorError, messageOf } from '../errors.ts';
import type { CopyPool } from './copy-pool.ts';
import { openFileStorage } from './file-storage.ts';
import { checkKey } from './layout.ts';
import type { Storage } from './storage.ts';

export interface StorageDeps {
  pool: CopyPool;
  /** Where a relative directory begins: the executor's sandbox. */
  baseDirectory: string;
  /** True for a backup: a missing directory is made. False for a restore: a missing directory is an error. */
  create: boolean;
}

/** What openStorage understands, for messages. */
const SUPPORTED = 'file:///directory, /directory, or a directory relative to the sandbox';

/**
 * Opens a location: `file:///abs/dir`, `/abs/dir` or `dir` below `baseDirectory`. Throws BAD_REQUEST for anything
 * else and STORAGE_FAILED when the directory cannot be used.
 */
export async function openStorage(url: string, deps: StorageDeps): Promise<Storage> {
  return openFileStorage(locationDirectory(url, deps.baseDirectory), deps.pool, deps.create);
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
