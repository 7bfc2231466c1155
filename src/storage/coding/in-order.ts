/** Works on items as they come, on so many at once, and gives the results in their order. Ends only when no work is under way any more. */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const waiting: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // Its failure is seen when its turn comes.
      result.catch(() => undefined);
      waiting.push(result);
      if (waiting.length >= atOnce) yield await waiting.shift()!;
    }
    while (waiting.length > 0) yield await waiting.shift()!;
  } finally {
    await Promise.allSettled(waiting);
  }
}
