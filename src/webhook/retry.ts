import type { Delivery } from '../state/deliveries.ts';

/** What came of an attempt: the receiver has it, wants no more of it, or it is to be tried again. */
export type Outcome =
  | { kind: 'DELIVERED' }
  | { kind: 'REFUSED'; reason: string }
  | { kind: 'FAILED'; reason: string; retryAfterMs: number | null };

/** For so long after a job's end it is tried. */
export const GIVE_UP_MS = 3_600_000;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 600_000;

/**
 * The delivery with its next attempt, exponential with jitter, and not before the receiver wants it; null when that would be
 * too late. `random`: 0 to 1.
 */
export function retried(
  delivery: Delivery,
  { retryAfterMs }: { retryAfterMs: number | null },
  now: number,
  random: number,
): Delivery | null {
  const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** delivery.attempts);
  const wait = Math.max((ceiling * (1 + random)) / 2, retryAfterMs ?? 0);
  const notBefore = now + Math.ceil(wait);
  return notBefore - delivery.created > GIVE_UP_MS ? null : { ...delivery, attempts: delivery.attempts + 1, notBefore };
}

/** What an answer says of a delivery. 410 is a receiver's word for "never again". */
export function outcomeOf({ status, headers }: Pick<Response, 'status' | 'headers'>, now: number): Outcome {
  if (status >= 200 && status < 300) return { kind: 'DELIVERED' };
  const reason = `HTTP ${status}`;
  if (status === 410) return { kind: 'REFUSED', reason };
  return { kind: 'FAILED', reason, retryAfterMs: retryAfter(headers.get('retry-after'), now) };
}

/** Retry-After is seconds or a date. */
function retryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
