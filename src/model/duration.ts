const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of `90s`, `10m`, `24h`, `7d`, `2w`, `1h30m`; null for anything else. */
export function parseDuration(text: string): number | null {
  if (!/^(?:\d{1,9}(?:ms|[smhdw]))+$/.test(text)) return null;
  let ms = 0;
  for (const [, count, unit = ''] of text.matchAll(/(\d+)(ms|[smhdw])/g)) ms += Number(count) * (UNITS[unit] ?? 0);
  return ms;
}

/** What a parameter that parseDuration reads looks like, for messages. */
export const DURATION_WORDS = 'a duration such as 90s, 10m, 24h, 7d or 1h30m';
