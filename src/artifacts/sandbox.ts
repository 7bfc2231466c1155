// The agents' side: checks what Mesos' fetcher has brought into the sandbox, and unpacks it.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatorError, wrapError } from '../errors.ts';
import { sha256Of } from './sha256.ts';
import { untar } from './untar.ts';

/** A file that was fetched, by its name in the sandbox. */
export interface FetchedFile {
  file: string;
  /** In hex; null: nobody said what it has to be. */
  sha256: string | null;
  /** The folder in the sandbox that an archive is to become, and a path within it by which it is known. */
  unpack: { to: string; holds: string } | null;
}

/** The variable of the executor's environment that lists the files, as JSON. */
export const FETCHED_FILES = 'CASSANDRA_MESOS_ARTIFACTS';

/** Reads the list; empty where nothing was fetched. */
export function fetchedFiles(env: Readonly<Record<string, string | undefined>>): FetchedFile[] {
  return JSON.parse(env[FETCHED_FILES] ?? '[]') as FetchedFile[];
}

/**
 * Checks all files, then unpacks the archives and removes them. What was unpacked before is kept as it is. Throws
 * STORAGE_FAILED with the name of the first file that is not what it should be, and with both checksums.
 */
export async function prepareSandbox(sandbox: string, files: FetchedFile[], signal: AbortSignal): Promise<void> {
  const pending = files.filter(({ unpack }) => unpack === null || !existsSync(join(sandbox, unpack.to)));
  for (const { file, sha256 } of pending) {
    if (sha256 !== null) await check(join(sandbox, file), file, sha256, signal);
  }
  for (const { file, unpack } of pending) {
    signal.throwIfAborted();
    if (unpack === null) continue;
    await unpackTo(join(sandbox, unpack.to), unpack.holds, join(sandbox, file)).catch((error: unknown) => {
      throw wrapError(`unpack ${file} in the sandbox`, error, 'STORAGE_FAILED');
    });
  }
}

async function check(path: string, file: string, expected: string, signal: AbortSignal): Promise<void> {
  const got = await sha256Of(path, signal).catch((error: unknown) => {
    throw signal.aborted ? signal.reason : wrapError(`read ${file} in the sandbox`, error, 'STORAGE_FAILED');
  });
  if (got === expected) return;
  throw new OperatorError(
    'STORAGE_FAILED',
    `Expected ${file}, which the agent has fetched, with sha256 ${expected}, got ${got}`,
    { hint: "Look at where it comes from; if it is right there, empty this agent's fetcher cache." },
  );
}

/** The folder has its final name only when it is complete. What is wanted is at the archive's top or one folder below. */
async function unpackTo(target: string, holds: string, archive: string): Promise<void> {
  const partial = `${target}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial);
  await untar(archive, partial);
  const names = await readdir(partial);
  const folder = ['.', ...names].map((name) => join(partial, name)).find((path) => existsSync(join(path, holds)));
  if (folder === undefined) {
    throw new OperatorError(
      'STORAGE_FAILED',
      `Expected ${holds} in it or in a folder of it, found ${names.join(', ')}`,
    );
  }
  await rename(folder, target);
  await rm(partial, { recursive: true, force: true });
  await rm(archive);
}
