import { OperatorError } from '../errors.ts';

/** Milliseconds of each unit that Mesos writes durations in. */
const UNITS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  secs: 1000,
  mins: 60_000,
  hrs: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
};

/** Milliseconds of a duration as Mesos writes it: `15mins`, `1.5hrs`. Throws BAD_REQUEST. */
export function parseDuration(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(text) ?? [];
  if (amount !== undefined && Object.hasOwn(UNITS, unit)) return Number(amount) * (UNITS[unit] ?? 0);
  throw new OperatorError(
    'BAD_REQUEST',
    `Expected a duration such as 15mins (units ${Object.keys(UNITS).join(' ')}), got ${JSON.stringify(text)}`,
  );
}
