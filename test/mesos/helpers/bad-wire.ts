// The protocol tests a second time, with our own clients on wires that lose, spoil, double and delay what passes.
import type { WireFaults } from '../../helpers/wire-faults.ts';

const VARIABLE = 'TEST_WIRE_FAULTS';

/** Of a connection's life not much is left: tens of records. */
export const FAULTS: WireFaults = {
  delayMs: 5,
  bytesPerSecond: 200_000,
  drop: 0.02,
  cut: 0.04,
  garbage: 0.04,
  duplicate: 0.2,
};

/** From here on wires are bad; what exactly happens depends on the seed. One that is set in the environment counts more. */
export function makeWiresBad(seed: number): void {
  process.env[VARIABLE] ??= String(seed);
}

/** Null when wires are good. */
export function faultSeed(): number | null {
  const seed = process.env[VARIABLE];
  return seed === undefined ? null : Number(seed);
}
