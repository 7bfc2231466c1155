/** Things that are asked for again every so often, until they are not wanted any more: any of the calls may be lost. */
export class Repeats {
  readonly #everyMs: number;
  readonly #askedAt = new Map<string, number>();

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Of all that is wanted now: what to ask for now. What is not wanted is forgotten. */
  due<T extends { key: string }>(wanted: T[], now: number): T[] {
    const keys = new Set(wanted.map(({ key }) => key));
    for (const key of this.#askedAt.keys()) if (!keys.has(key)) this.#askedAt.delete(key);
    const due = wanted.filter(({ key }) => now - (this.#askedAt.get(key) ?? -Infinity) >= this.#everyMs);
    for (const { key } of due) this.#askedAt.set(key, now);
    return due;
  }

  /** It could not be asked for: due again at once. */
  forget(key: string): void {
    this.#askedAt.delete(key);
  }
}
