import { inParallel } from './in-parallel.ts';

/** Files on their way at the same time: enough to keep a disk and a network busy, few enough for Cassandra to live on. */
const LARGE_AT_ONCE = 4;

/** A store takes as long to answer for a file of some bytes as for one of many. */
const SMALL_AT_ONCE = 16;

/** Bytes up to which a file is small. */
const SMALL = 1024 * 1024;

/**
 * Brings files from one place to another, the largest first: at the end all lanes have small files left, and none waits long for another. Ends as
 * inParallel does.
 */
export async function transferAll<F extends { size: number }>(
  files: readonly F[],
  signal: AbortSignal,
  work: (file: F, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const bySize = files.toSorted((left, right) => right.size - left.size);
  const isSmall = ({ size }: F): boolean => size <= SMALL;
  await inParallel(
    bySize.filter((file) => !isSmall(file)),
    LARGE_AT_ONCE,
    signal,
    work,
  );
  await inParallel(bySize.filter(isSmall), SMALL_AT_ONCE, signal, work);
}
