import { Presets, SingleBar } from 'cli-progress';
import type { CliDeps, Output } from './deps.ts';
import { bytes, duration } from './format.ts';
import { doneOf, nodesOf } from './job-report.ts';
import type { JobView, PhaseView } from './job-view.ts';

/** Shows how far a job is, and what happened on the way to it. */
export interface Progress {
  update(job: JobView): void;
  notice(text: string): void;
  stop(): void;
}

/** On a terminal a bar, anywhere else a line per change; with `quiet` nothing but notices. All on stderr. */
export function createProgress(deps: CliDeps, quiet: boolean): Progress {
  if (quiet)
    return { update: () => undefined, notice: (text) => deps.stderr.write(`${text}\n`), stop: () => undefined };
  return deps.stderr.isTTY ? barProgress(deps.stderr) : lineProgress(deps.stderr);
}

function barProgress(stream: Output): Progress {
  const columns = () => stream.columns ?? 80;
  const barsize = Math.min(30, Math.max(10, columns() - 90));
  const bar = new SingleBar(
    { stream, format: '{bar} {percentage}% | {text}', barsize, clearOnComplete: true },
    Presets.shades_classic,
  );
  return {
    update(job) {
      const text = `${paceOf(job)} | ${workOf(job, shortName)}`;
      const payload = { text: fit(text, fileOf(job), columns() - barsize - 9) };
      const value = Math.round(shareOf(job) * 1000);
      if (bar.isActive) bar.update(value, payload);
      else bar.start(1000, value, payload);
    },
    notice(text) {
      // Takes the bar's line away; the next update draws it below.
      bar.stop();
      stream.write(`${text}\n`);
    },
    stop: () => bar.stop(),
  };
}

/** The text in one line of a terminal, and of the file as much as there is room for: its end tells most. */
function fit(text: string, file: string | null, width: number): string {
  if (text.length > width) return `${text.slice(0, Math.max(0, width - 1))}…`;
  const room = width - text.length - 2;
  if (file === null || room < 20) return text;
  return `${text}: ${file.length > room ? `…${file.slice(1 - room)}` : file}`;
}

/** A line whenever another node, phase or attempt is at work, or another tenth is done. */
function lineProgress(stream: Output): Progress {
  let last = '';
  return {
    update(job) {
      const work = workOf(job, (executorId) => executorId);
      const progress = shareOf(job);
      const change = `${work} ${Math.floor(progress * 10)}`;
      if (change === last) return;
      last = change;
      stream.write(`${Math.floor(progress * 100)}% | ${paceOf(job)} | ${work}\n`);
    },
    notice: (text) => stream.write(`${text}\n`),
    stop: () => undefined,
  };
}

/** 0 to 1: by bytes, or by nodes where none are moved. */
function shareOf(job: JobView): number {
  if (job.progress !== null) return job.progress;
  const { done, all } = nodesOf(job);
  return job.location === undefined && all > 0 ? done / all : 0;
}

/** What is done, how fast, and how long the rest will take; where no bytes are moved there is no rate. */
function paceOf(job: JobView): string {
  if (job.location === undefined && job.bytesDone === 0) return doneOf(job);
  const { rate, eta } = job;
  return [
    doneOf(job),
    rate === null ? '-/s' : `${bytes(rate)}/s`,
    ...(eta === null ? [] : [`${duration(eta)} left`]),
  ].join(' | ');
}

/** Phase and nodes at work. */
function workOf(job: JobView, name: (executorId: string) => string): string {
  const phase = activePhase(job);
  const active = phase?.steps.filter(isActive) ?? [];
  const [first] = active;
  if (!phase || !first) return job.finished === null ? 'waiting for a node' : 'finished';
  const others = active.length > 1 ? ` and ${active.length - 1} more` : '';
  const attempt = first.attempt > 1 ? `, attempt ${first.attempt}` : '';
  return `${phase.name} on ${name(first.executorId)}${others}${attempt}`;
}

/** The file or table at work. */
function fileOf(job: JobView): string | null {
  return activePhase(job)?.steps.find(isActive)?.current ?? null;
}

function activePhase(job: JobView): PhaseView | undefined {
  return job.phases.find(({ steps }) => steps.some(isActive));
}

/** cassandra.<cluster>.node.2.executor → node.2: the cluster is known to whoever waits for its job. */
function shortName(executorId: string): string {
  return /node\.\d+(?=\.executor$)/.exec(executorId)?.[0] ?? executorId;
}

function isActive(step: PhaseView['steps'][number]): boolean {
  return step.state === 'LAUNCHING' || step.state === 'RUNNING';
}
