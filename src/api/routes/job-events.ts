import type { ApiDeps } from '../deps.ts';
import { JobEvents } from '../job-events.ts';
import { findJob } from '../find-job.ts';
import { readParams } from '../params.ts';
import type { Route } from '../route.ts';

const EVENT_STREAM = 'text/event-stream';

/** Server-sent events: what becomes of a job, as it happens. */
export function jobEventRoutes(deps: ApiDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/cluster/jobs/:id/events',
      contentType: EVENT_STREAM,
      params: [],
      handle(ctx) {
        readParams(ctx, {});
        const job = findJob(deps.jobs, ctx.params['id'] ?? '');
        // By the standard an EventSource comes again when the stream ends, unless it is told that there is no more.
        if (ctx.get('Last-Event-ID') === 'end' && job.finished !== null) {
          ctx.status = 204;
          return Promise.resolve();
        }
        ctx.set('Content-Type', EVENT_STREAM);
        // nginx would hold events back until it has a few kilobytes.
        ctx.set('X-Accel-Buffering', 'no');
        ctx.body = new JobEvents(job, { jobs: deps.jobs, nodes: () => deps.nodes.all(), clock: deps.clock });
        return Promise.resolve();
      },
    },
  ];
}
