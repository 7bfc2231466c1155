import { OperatorError } from '../errors.ts';

/** Bytes per unit: powers of 1000, and with an i of 1024. A small b would be bits, which nobody means here. */
const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** Below it a backup would look as if it stood still. In bytes per second, also for the share of one node of many. */
export const LEAST_BANDWIDTH = 1000;

/** Completes "expected …". */
export const BANDWIDTH_WORDS = 'bytes per second such as 50MB/s, 800kB/s or 20MiB/s, at least 1kB/s';

/** Bytes per second of `50MB/s`, `1.5GiB` or a number; null for anything else, and for less than the least. */
export function readBandwidth(value: unknown): number | null {
  const rate = typeof value === 'string' ? bytesOf(value) : value;
  return typeof rate === 'number' && Number.isSafeInteger(rate) && rate >= LEAST_BANDWIDTH ? rate : null;
}

/** As readBandwidth, but throws BAD_REQUEST. */
export function parseBandwidth(value: unknown): number {
  const rate = readBandwidth(value);
  if (rate !== null) return rate;
  throw new OperatorError('BAD_REQUEST', `Expected ${BANDWIDTH_WORDS}, got ${JSON.stringify(value)}`);
}

function bytesOf(text: string): number | null {
  const [, count, unit = 'B'] = /^(\d{1,15}(?:\.\d{1,6})?) ?([kKMG]i?B|B)?(?:\/s)?$/.exec(text.trim()) ?? [];
  const factor = UNITS[unit];
  return count === undefined || factor === undefined ? null : Math.round(Number(count) * factor);
}
