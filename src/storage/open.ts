import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock, type Clock } from '../clock.ts';
import { OperatorError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { parseAzureLocation } from './azure/azure-location.ts';
import { CodedStorage } from './coding/coded-storage.ts';
import { Keys } from './coding/keys.ts';
import { splitLocation } from './coding/location-options.ts';
import type { CopyPool } from './copy-pool.ts';
import type { CredentialPlaces } from './credentials.ts';
import { openFileStorage } from './file-storage.ts';
import { parseGsLocation } from './gs/gs-location.ts';
import type { Hashing } from './hasher.ts';
import { checkKey } from './layout.ts';
import { KeptUploads } from './objects/kept-uploads.ts';
import { MemoryBudget } from './objects/memory-budget.ts';
import type { ObjectDeps } from './objects/object-storage.ts';
import { parseS3Location } from './s3/s3-location.ts';
import type { Storage } from './storage.ts';

export interface StorageDeps {
  pool: CopyPool;
  /** Where a relative directory begins, and `secret:` credentials and keys lie: the executor's sandbox. */
  baseDirectory: string;
  /** True for a backup: a missing directory is made. False for a restore: a missing directory is an error. */
  create: boolean;
  /** Object stores: what all transfers of the process may hold in memory. */
  memory?: MemoryBudget;
  /** Object stores: where what passes is hashed. By default on the calling thread. */
  hashing?: Hashing;
  /** Object stores: a folder of this node's own, where it is kept what is needed to go on with an upload in another process. By default it begins anew there. */
  uploadsDirectory?: string | undefined;
  /** Variables of the process, where credentials may be. */
  env?: NodeJS.ProcessEnv;
  /** Credentials that came with the request. */
  given?: CredentialPlaces['given'];
  clock?: Clock;
  /** False: somebody waits for an answer, so a store that is busy or far away is given up soon. Default true. */
  patient?: boolean;
  /** Is warned of keys that others can read. */
  log?: Pick<Logger, 'warn'>;
}

/** Bytes that all transfers of a process may hold in memory, unless it has another budget. */
export const MEMORY_BYTES = 64 * 1024 ** 2;

/** What openStorage understands, for messages. */
const SUPPORTED =
  's3://bucket/prefix, azure://container/prefix, gs://bucket/prefix, file:///directory, /directory, or a directory relative to the sandbox';

type StoreDeps = ObjectDeps & { places: CredentialPlaces };

interface StoreKind {
  /** Throws BAD_REQUEST. */
  check(url: string): void;
  open(url: string, deps: StoreDeps): Promise<Storage>;
}

/** The stores of objects, by scheme. Each has a large library: only that of the one in use is read. */
const STORES: Readonly<Record<string, StoreKind>> = {
  s3: kind(parseS3Location, async (...how) => (await import('./s3/open-s3.ts')).openS3Storage(...how)),
  azure: kind(parseAzureLocation, async (...how) => (await import('./azure/open-azure.ts')).openAzureStorage(...how)),
  gs: kind(parseGsLocation, async (...how) => (await import('./gs/open-gs.ts')).openGsStorage(...how)),
};

function kind<L>(parse: (url: string) => L, open: (location: L, deps: StoreDeps) => Promise<Storage>): StoreKind {
  return { check: (url) => void parse(url), open: async (url, deps) => open(parse(url), deps) };
}

/** Throws BAD_REQUEST for what no node could open, by its text alone: whether the place is there only a look can tell. */
export function checkLocation(location: string): void {
  const { place } = splitLocation(location);
  const store = STORES[schemeOf(place) ?? ''];
  if (store === undefined) locationDirectory(location, '/');
  else store.check(place);
}

/**
 * Opens a location: one in a store of objects, `file:///abs/dir`, `/abs/dir` or `dir` below `baseDirectory`, each with `compression` and `encryption` in
 * its query. With `create`, keys to encrypt with have to be there. Throws BAD_REQUEST for anything else, STORAGE_FAILED when the place or its keys
 * cannot be used, and STORAGE_UNAVAILABLE when it cannot now.
 */
export async function openStorage(location: string, deps: StorageDeps): Promise<Storage> {
  const { place, options, optionText } = splitLocation(location);
  const keys = new Keys(options.encryption, { sandbox: deps.baseDirectory, log: deps.log });
  if (deps.create) await keys.first();
  const uploads = isObjectStore(place) ? await keptUploads(deps) : undefined;
  const storage = await openPlace(place, deps, uploads);
  const url = optionText === '' ? storage.url : `${storage.url}${storage.url.includes('?') ? '&' : '?'}${optionText}`;
  return new CodedStorage(storage, { url, pool: deps.pool, compression: options.compression, keys, uploads });
}

async function keptUploads({ uploadsDirectory, clock = systemClock, log }: StorageDeps) {
  return uploadsDirectory === undefined ? undefined : KeptUploads.open(uploadsDirectory, { clock, log });
}

async function openPlace(url: string, deps: StorageDeps, uploads: KeptUploads | undefined): Promise<Storage> {
  const store = STORES[schemeOf(url) ?? ''];
  if (store === undefined) return openFileStorage(locationDirectory(url, deps.baseDirectory), deps.pool, deps.create);
  const { pool, create, memory = new MemoryBudget(MEMORY_BYTES), clock = systemClock, patient = true } = deps;
  const places = { env: deps.env ?? {}, sandbox: deps.baseDirectory, given: deps.given };
  return store.open(url, { pool, create, memory, clock, patient, places, hashing: deps.hashing, uploads });
}

/** True for a location in a store of objects. */
export function isObjectStore(url: string): boolean {
  return Object.hasOwn(STORES, schemeOf(url) ?? '');
}

function schemeOf(url: string): string | undefined {
  return /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase();
}

/** The absolute directory that a location names. Throws BAD_REQUEST. */
export function locationDirectory(location: string, baseDirectory: string): string {
  const url = splitLocation(location).place;
  const scheme = schemeOf(url);
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
    hint: "Name a store by its kind: one of S3's protocol with a URL of its own is s3://bucket/prefix?endpoint=https://host:port&region=us-east-1. What is none of these can be mounted as a directory.",
  });
}
