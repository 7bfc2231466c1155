import { Readable } from 'node:stream';
import { pause, type Clock } from '../clock.ts';
import type { ClusterJobs } from '../jobs/cluster-jobs.ts';
import { progressNews, transitions, type JobNews } from '../jobs/job-news.ts';
import { jsonText } from '../jobs/json-text.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import type { ClusterNode } from '../model/node.ts';

/** Proxies give a silent connection up, most of them after 30 or 60 s. */
const HEARTBEAT_MS = 15_000;
const PROGRESS_MS = 1_000;

export interface JobEventsDeps {
  jobs: Pick<ClusterJobs, 'onChange'>;
  nodes: () => ClusterNode[];
  clock: Clock;
}

/**
 * The events of one job for one client, as text of a server-sent event stream; ends after the event `end`. Nothing waits in
 * a queue: each time the client takes more, it is told the difference between what it knows and what is so now. A slow client
 * hears less of the way, and as much of the end as all others.
 */
export class JobEvents extends Readable {
  readonly #deps: JobEventsDeps;
  readonly #over = new AbortController();
  readonly #stopListening: () => void;
  #job: ClusterJob;
  /** What the client knows; null: nothing yet. */
  #told: ClusterJob | null = null;
  #progressTold: ClusterJob;
  #id = 0;
  /** The client takes more. */
  #wanted = false;
  /** The last progress was told just now. */
  #resting = false;

  constructor(job: ClusterJob, deps: JobEventsDeps) {
    super({ encoding: 'utf8' });
    this.#deps = deps;
    this.#job = job;
    this.#progressTold = job;
    this.#stopListening = deps.jobs.onChange((after) => {
      if (after.id !== job.id) return;
      this.#job = after;
      this.#tell();
    });
    void this.#beat();
  }

  override _read(): void {
    this.#wanted = true;
    this.#tell();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stopListening();
    this.#over.abort();
    done(error);
  }

  #tell(): void {
    if (!this.#wanted || this.#over.signal.aborted) return;
    const job = this.#job;
    const news = job === this.#told ? [] : transitions(this.#told, job, this.#deps.nodes());
    if (this.#told === null) this.#progressTold = job;
    this.#told = job;
    const progress = this.#progress(job);
    if (progress !== null) news.push(progress);
    if (news.length > 0) this.#send(news.map((each) => this.#text(each)).join(''));
    if (job.finished === null) return;
    this.push(null);
    this.#stopListening();
    this.#over.abort();
  }

  /** Null when there is none, or the client heard some just now; what is left then is told a little later. */
  #progress(job: ClusterJob): JobNews | null {
    if (this.#resting || job.finished !== null || job === this.#progressTold) return null;
    const news = progressNews(this.#progressTold, job);
    this.#progressTold = job;
    if (news !== null) void this.#rest();
    return news;
  }

  async #rest(): Promise<void> {
    this.#resting = true;
    await pause(this.#deps.clock, PROGRESS_MS, this.#over.signal);
    this.#resting = false;
    this.#tell();
  }

  async #beat(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await pause(this.#deps.clock, HEARTBEAT_MS, this.#over.signal);
      if (this.#wanted && !this.#over.signal.aborted) this.#send(': the job goes on\n\n');
    }
  }

  #send(text: string): void {
    this.#wanted = this.push(text);
  }

  /** An id makes clients say where they were when they come again; what they are told then is the whole job. */
  #text({ event, data }: JobNews): string {
    const id = event === 'end' ? 'end' : (this.#id += 1);
    return `event: ${event}\nid: ${id}\ndata: ${jsonText(data)}\n\n`;
  }
}
