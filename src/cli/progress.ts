import { Presets, SingleBar } from 'cli-progress';
import type { CliDeps, Output } from './deps.ts';
import { bytes } from './format.ts';
import type { JobView, PhaseView } from './job-view.ts';

/** Shows how far a job is, and what happened on the way to it. */
export interface Progress {
  update(job: JobView): void;
  notice(text: string): void;
  stop(): void;
}

/** On a terminal a bar, anywhere else a line per change; with `quiet` nothing but notices. All on stderr. */
export function createProgress(deps: CliDeps, quiet: boolean): Progress {
  const rate = rateMeter(() => deps.clock.now());
  if (quiet)
    return { update: () => undefined, notice: (text) => deps.stderr.write(`${text}\n`), stop: () => undefined };
  return deps.stderr.isTTY ? barProgress(deps.stderr, rate) : lineProgress(deps.stderr, rate);
}

type RateMeter = (bytesDone: number) => string;

function barProgress(stream: Output, rate: RateMeter): Progress {
  const bar = new SingleBar(
    { stream, format: '{bar} {percentage}% | {done} | {rate} | {work}', clearOnComplete: true },
    Presets.shades_classic,
  );
  let started = false;
  return {
    update(job) {
      const payload = { done: doneOf(job), rate: rate(job.bytesDone), work: workOf(job, true) };
      const value = Math.round((job.progress ?? 0) * 1000);
      if (started) bar.update(value, payload);
      else bar.start(1000, value, payload);
      started = true;
    },
    notice(text) {
      // The bar draws over its own line only.
      stream.write(`\n${text}\n`);
    },
    stop: () => bar.stop(),
  };
}

/** A line whenever another node, phase or attempt is at work, or another tenth is done. */
function lineProgress(stream: Output, rate: RateMeter): Progress {
  let last = '';
  return {
    update(job) {
      const speed = rate(job.bytesDone);
      const work = workOf(job, false);
      const progress = job.progress ?? 0;
      const change = `${work} ${Math.floor(progress * 10)}`;
      if (change === last) return;
      last = change;
      stream.write(`${Math.floor(progress * 100)}% | ${doneOf(job)} | ${speed} | ${work}\n`);
    },
    notice: (text) => stream.write(`${text}\n`),
    stop: () => undefined,
  };
}

function doneOf(job: JobView): string {
  return job.bytesTotal === null ? bytes(job.bytesDone) : `${bytes(job.bytesDone)} of ${bytes(job.bytesTotal)}`;
}

/** Phase and nodes at work, with the file or table if asked for. */
function workOf(job: JobView, withFile: boolean): string {
  for (const phase of job.phases) {
    const active = phase.steps.filter(isActive);
    const [first] = active;
    if (!first) continue;
    const others = active.length > 1 ? ` and ${active.length - 1} more` : '';
    const attempt = first.attempt > 1 ? `, attempt ${first.attempt}` : '';
    const file = withFile && first.current !== null ? `: ${first.current}` : '';
    return `${phase.name} on ${first.executorId}${others}${attempt}${file}`;
  }
  return job.finished === null ? 'waiting for a node' : 'finished';
}

function isActive(step: PhaseView['steps'][number]): boolean {
  return step.state === 'LAUNCHING' || step.state === 'RUNNING';
}

/** Bytes per second over the last ten seconds or so. */
function rateMeter(now: () => number): RateMeter {
  const samples: { at: number; bytes: number }[] = [];
  return (bytesDone) => {
    samples.push({ at: now(), bytes: bytesDone });
    while (samples.length > 11) samples.shift();
    const [first, last] = [samples[0], samples.at(-1)];
    if (!first || !last || last.at <= first.at) return '-/s';
    return `${bytes(Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.at - first.at)))}/s`;
  };
}
