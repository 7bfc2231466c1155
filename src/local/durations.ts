/** Mesos's names of units, in nanoseconds, from the largest. */
const UNITS = [
  ['weeks', 604_800_000_000_000n],
  ['days', 86_400_000_000_000n],
  ['hrs', 3_600_000_000_000n],
  ['mins', 60_000_000_000n],
  ['secs', 1_000_000_000n],
  ['ms', 1_000_000n],
  ['us', 1_000n],
] as const;

/** As Mesos writes a duration in messages and environment: a whole number of the largest unit, `15mins`, `3secs`. */
export function formatDuration(ms: number): string {
  const nanoseconds = BigInt(Math.round(ms * 1e6));
  if (nanoseconds === 0n) return '0ns';
  const unit = UNITS.find(([, size]) => nanoseconds % size === 0n);
  return unit ? `${nanoseconds / unit[1]}${unit[0]}` : `${nanoseconds}ns`;
}
