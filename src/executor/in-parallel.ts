/**
 * Runs `work` on every item, at most `limit` at the same time. The first failure stops the others by their
 * signal; it is thrown once all of them have come to rest, so that nothing works on behind the caller's back.
 */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const queue = items.values();
  async function lane(): Promise<void> {
    for (const item of queue) {
      either.throwIfAborted();
      await work(item, either);
    }
  }
  const failures: unknown[] = [];
  await Promise.all(
    Array.from({ length: Math.min(limit, items.length) }, async () => {
      try {
        await lane();
      } catch (error) {
        failures.push(error);
        stop.abort(error);
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
}
