import { createHmac } from 'node:crypto';
import { jobJson, type JobJson, type PhaseJson } from '../jobs/job-json.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import type { ClusterNode } from '../model/node.ts';

/** Receivers refuse large bodies, many of them above 1 MiB; in characters. */
const LARGE = 256 * 1024;
const MOST_ERRORS = 100;

/** What is posted: the job as the REST API shows it, without the phases' steps. */
export interface JobEnded {
  event: 'job-ended';
  cluster: string;
  job: Omit<JobJson, 'phases'> & { phases: Omit<PhaseJson, 'steps'>[] };
  /** There was too much of it: the nodes' parts are left out, and all but the first errors. */
  truncated?: true;
}

/** The body of a delivery. */
export function jobEnded(job: ClusterJob, nodes: ClusterNode[], cluster: string): string {
  const { phases, ...json } = jobJson(job, nodes);
  const short = { ...json, phases: phases.map(({ steps: _steps, ...phase }) => phase) };
  const body: JobEnded = { event: 'job-ended', cluster, job: short };
  const text = JSON.stringify(body);
  if (text.length <= LARGE) return text;
  const nobody = { remainingNodes: [], currentNode: null, completedNodes: [], currentNodes: [] };
  const cut = { ...short, ...nobody, errors: short.errors.slice(0, MOST_ERRORS) };
  return JSON.stringify({ ...body, job: cut, truncated: true } satisfies JobEnded);
}

/**
 * The headers of Standard Webhooks (standardwebhooks.com): the id stays the same when something is told again, and the
 * signature covers id, time and body. `secret` is `whsec_` and base64, or any text.
 */
export function signedHeaders(
  { id, body }: { id: string; body: string },
  secret: string | null,
  now: number,
): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000));
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (secret === null) return headers;
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret;
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}
