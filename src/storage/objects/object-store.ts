import type { PartSums, StoreSum } from '../part-sums.ts';
import type { StoredEntry } from '../storage.ts';

/** What a store says of one object. */
export interface ObjectFacts {
  /** Bytes. */
  size: number;
  /** Epoch ms by the store's own clock, as exact as seconds. */
  modified: number;
  /** Another one whenever the content is (ETag, generation). */
  version: string;
  /** Epoch ms until which the store lets nobody delete it; Infinity where it gives no date. */
  retainedUntil?: number;
}

/** A listing comes in pages; keys are those of the location, folders end with a `/`. */
export interface ObjectPage {
  objects: StoredEntry[];
  folders: string[];
  /** What gets the next page; null for the last one. */
  next: string | null;
}

/** One part of an upload, with its checksums. */
export interface ObjectPart extends PartSums {
  /** From 0. */
  index: number;
  /** Where it begins in the object, in bytes. */
  begin: number;
  body: Buffer;
  isLast: boolean;
}

/** An object that is sent in parts: nothing of it is visible before `complete`. */
export interface ObjectUpload {
  /** True when an earlier try, that was cut short, has brought this very part. */
  holds(part: Pick<ObjectPart, 'index' | 'crc32'> & { bytes: number }): boolean;
  /** Bytes of a part that is not held which are still to be sent. Left out: all. */
  lacks?(part: Pick<ObjectPart, 'begin'> & { bytes: number }): number;
  /** May be called again with the same part. */
  send(part: ObjectPart, signal: AbortSignal): Promise<void>;
  /** May be called again when its answer was lost. */
  complete(signal?: AbortSignal): Promise<void>;
  /** Gives up what was sent: it would be paid for until somebody finds it. Nothing happens where it has ended already. */
  abort(): Promise<void>;
}

/** An upload that was begun and never ended. */
export interface UnfinishedUpload {
  key: string;
  /** Bytes that were sent. */
  size: number;
  /** Epoch ms by the store's own clock. */
  initiated: number;
  /** Nothing happens where it has ended already. */
  end(): Promise<void>;
}

/** What became of a failed request. */
export interface Failure {
  /** To be thrown: an OperatorError with the store's own words and what to do, or what came when it is not the store's. */
  error: unknown;
  /** It may pass by itself, so that trying again makes sense. */
  passing: boolean;
  /** How long the store wants to be left alone (Retry-After), in ms; null where it does not say. */
  retryAfterMs: number | null;
}

/** How a kind of store wants to be treated. */
export interface ObjectLimits {
  /** An object up to this size (bytes) is sent and fetched whole; of larger ones each part but the last has at least so much. */
  part: number;
  /** The most parts of an upload. */
  parts: number;
  /** Parts of one upload on their way at the same time; 1: in order, one after the other. */
  partsAtOnce: number;
  /** Objects that one call of `deleteAll` may delete. */
  deletedAtOnce: number;
  /** What the store holds a part against, where that is not its CRC-32: for those who can compute it beside all else. */
  partSum?: StoreSum;
}

/**
 * The single requests of one kind of object store, at one place in it; keys are those of the location, checked. They throw what the kind's own
 * library throws: `explain` makes it an operator's, and who calls tries again what may pass (the library itself does not).
 */
export interface ObjectStore {
  /** The location as an operator writes it, without secrets. */
  readonly url: string;
  readonly limits: ObjectLimits;

  /** Throws where the place cannot be used. `create`: it is going to be written to, and where the location says so the bucket is made. */
  check(create: boolean, signal?: AbortSignal): Promise<void>;

  /** Null: there is no such object. */
  head(key: string, signal?: AbortSignal): Promise<ObjectFacts | null>;

  /**
   * Begins to read an object, from `begin` at most so many bytes, or all of it. Null: there is none, or with `version` none of that version. `size`
   * is the whole object's; an empty one has no ranges but is read as any other. `checked`: reading throws a ShortRead where
   * what comes is not what was put, if the store tells; for what is held against nothing else. `into`: what comes may be written there straight away, as
   * long as the signal has not ended it, and `moved` is called meanwhile; it is then a chunk of `body` that lies at the beginning of `into` itself.
   */
  read(
    key: string,
    range: { begin: number; bytes: number } | null,
    how: {
      version?: string | undefined;
      checked?: boolean;
      signal: AbortSignal;
      into?: Buffer;
      moved?: () => void;
    },
  ): Promise<(Pick<ObjectFacts, 'size' | 'version'> & { body: AsyncIterable<Uint8Array> }) | null>;

  /** Puts an object in one request, with a checksum that the store checks. False, with `onlyNew` alone: there is one already. */
  put(
    key: string,
    body: Buffer,
    how: PartSums & { onlyNew?: boolean; signal?: AbortSignal | undefined },
  ): Promise<boolean>;

  /**
   * Begins, or goes on with one of ours that was cut short: it has parts of `partBytes`, the first of them with this CRC-32. Somebody else's is
   * left alone.
   */
  beginUpload(key: string, how: { partBytes: number; firstCrc32: number; signal: AbortSignal }): Promise<ObjectUpload>;

  /** One page of everything below a prefix; with `flat: false` of what lies directly there, and folders. `after`: `next` of the page before. */
  page(prefix: string, how: { flat: boolean; after: string | null; signal?: AbortSignal }): Promise<ObjectPage>;

  /** Nothing happens where there is none. */
  delete(key: string, signal?: AbortSignal): Promise<void>;

  /** At most limits.deletedAtOnce. Throws when one of them stayed. */
  deleteAll(keys: readonly string[], signal: AbortSignal | undefined): Promise<void>;

  /** Within the store, whatever the size (bytes). Replaces what was there. */
  copy(from: string, to: string, size: number, signal: AbortSignal | undefined): Promise<void>;

  /** True where objects may be retained, as `head` says of each. Left out: never. */
  retains?(signal: AbortSignal): Promise<boolean>;

  /** Retains an object that is there for as long as one that is put now. Left out: nothing is retained because of the location. */
  retainAnew?(key: string, facts: ObjectFacts, signal: AbortSignal): Promise<void>;

  /** Uploads below a prefix that never ended; none where the store tells nobody, and ends them by itself. */
  unfinished(prefix: string, signal: AbortSignal | undefined): AsyncIterable<UnfinishedUpload>;

  /** What a thrown error means. `operation` in lower case, with the key: `storing c/n/b/file`. */
  explain(error: unknown, operation: string): Failure;
}
