import { z } from 'zod';
import { OperatorError } from '../../errors.ts';
import { BANDWIDTH_WORDS, readBandwidth } from '../../model/pace.ts';
import type { ApiDeps } from '../deps.ts';
import { findJob } from '../find-job.ts';
import { jsonRoute, type Route } from '../route.ts';

/** A limit at the start of a job. */
export function bandwidthParam(): z.ZodType<number> {
  return z.preprocess(readBandwidth, z.number({ error: BANDWIDTH_WORDS }));
}

/** The same for a job that runs: null takes the limit away. */
function newBandwidthParam(): z.ZodType<number | null> {
  const error = `${BANDWIDTH_WORDS}, or none`;
  return z.preprocess(
    (value) => (value === 'none' ? null : (readBandwidth(value) ?? Number.NaN)),
    z.number({ error }).nullable(),
  );
}

const LIMITS = { bandwidth: newBandwidthParam().optional(), clusterBandwidth: newBandwidthParam().optional() };

/** How fast a job that runs may go on. */
export function bandwidthRoutes(deps: ApiDeps): Route[] {
  return [
    jsonRoute('POST', '/cluster/jobs/:id/bandwidth', LIMITS, ({ path, params }) => {
      if (params.bandwidth === undefined && params.clusterBandwidth === undefined) {
        throw new OperatorError('BAD_REQUEST', 'Expected bandwidth, clusterBandwidth or both, got neither', {
          hint: 'none takes a limit away.',
        });
      }
      const { id, parameters } = deps.jobs.pace(findJob(deps.jobs, path['id'] ?? '').id, params);
      return {
        job: id,
        bandwidth: parameters.bandwidth ?? null,
        clusterBandwidth: parameters.clusterBandwidth ?? null,
      };
    }),
  ];
}
