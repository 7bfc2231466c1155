import { isStepActive, type Sample, type Step } from '../model/cluster-job.ts';

/** The rate is that of so many ms, so that it is steady and still tells when something has changed. */
const WINDOW_MS = 10_000;

/** Samples nearer to each other say nothing more. */
const APART_MS = 500;

/** Takes in how far a step is. A clock that was set back, and an attempt that begins anew, make the rate unknown again. */
export function withSample(samples: readonly Sample[] | undefined, sample: Sample): readonly Sample[] {
  const last = samples?.at(-1);
  if (!samples || !last || sample.at < last.at || sample.bytes < last.bytes) return [sample];
  if (sample.at - last.at < APART_MS) return samples;
  return [...samples.filter(({ at }) => sample.at - at <= WINDOW_MS), sample];
}

/** Bytes per second of a step at work; null when unknown. */
export function rateOf(step: Step): number | null {
  const [first, last] = [step.samples?.[0], step.samples?.at(-1)];
  if (!isStepActive(step) || !first || !last || last.at <= first.at) return null;
  return Math.round(((last.bytes - first.bytes) * 1000) / (last.at - first.at));
}

/** Milliseconds that so many bytes will take; null when nobody knows. */
export function etaOf(bytes: number | null, rate: number | null): number | null {
  return bytes === null || rate === null || rate <= 0 ? null : Math.round((Math.max(0, bytes) * 1000) / rate);
}
