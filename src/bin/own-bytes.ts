/** What was counted of one location while the same backups were there. */
interface Counted {
  fingerprint: string;
  bytes: Map<string, number>;
}

export interface Count {
  bytes: number;
  /** Of the location before it was counted, and afterwards. */
  before: string;
  after: string;
}

/**
 * What deletions would free. Every backup that comes or goes may change what the others share, so a number counts as long as the location's
 * fingerprint stays. Counts one backup at a time: there may be millions of files.
 */
export class OwnBytes {
  readonly #counted = new Map<string, Counted>();
  readonly #underWay = new Map<string, Promise<number | null>>();
  #last: Promise<unknown> = Promise.resolve();

  /** Null until it was counted. */
  known(location: string, name: string): number | null {
    return this.#counted.get(location)?.bytes.get(name) ?? null;
  }

  /** Forgets what was counted while other backups were there. */
  settle(location: string, fingerprint: string): void {
    if (this.#counted.get(location)?.fingerprint !== fingerprint) {
      this.#counted.set(location, { fingerprint, bytes: new Map() });
    }
  }

  /** Counts when nobody does. Null where backups have come or gone meanwhile. */
  count(location: string, name: string, count: () => Promise<Count>): Promise<number | null> {
    const key = `${location} ${name}`;
    const found =
      this.#underWay.get(key) ?? this.#begin(location, name, count).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, found);
    return found;
  }

  async #begin(location: string, name: string, count: () => Promise<Count>): Promise<number | null> {
    const turn = this.#last.then(count);
    // Whoever waits for this one hears of its failure; the next one only waits for its end.
    this.#last = turn.catch(() => undefined);
    const { bytes, before, after } = await turn;
    if (before !== after) return null;
    this.settle(location, after);
    this.#counted.get(location)?.bytes.set(name, bytes);
    return bytes;
  }
}
