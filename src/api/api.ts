import { METHODS } from 'node:http';
import { bodyParser } from '@koa/bodyparser';
import { Router } from '@koa/router';
import Koa, { type Middleware } from 'koa';
import { OperatorError } from '../errors.ts';
import { guard } from './access.ts';
import type { ApiDeps } from './deps.ts';
import { errorHandler } from './error-handler.ts';
import { jsonRoute, type Route } from './route.ts';
import { adoptionRoutes } from './routes/adoption.ts';
import { artifactRoutes } from './routes/artifacts.ts';
import { backupRoutes } from './routes/backups.ts';
import { bandwidthRoutes } from './routes/bandwidth.ts';
import { configRoutes } from './routes/config.ts';
import { docsRoutes } from './routes/docs.ts';
import { healthRoutes } from './routes/health.ts';
import { historyRoutes, jobRoutes } from './routes/jobs.ts';
import { jobEventRoutes } from './routes/job-events.ts';
import { liveNodeRoutes } from './routes/live-nodes.ts';
import { locationRoutes } from './routes/location.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { nodeRoutes } from './routes/nodes.ts';
import { offerRoutes } from './routes/offers.ts';
import { reportRoutes } from './routes/report.ts';
import { ringRoutes } from './routes/ring.ts';
import { scheduleRoutes } from './routes/schedules.ts';

/** Builds the REST API. `createApiServer` makes it listen. */
export function createApi(deps: ApiDeps): Koa {
  const app = new Koa();
  // What reaches Koa itself is a broken connection in the middle of an answer; nobody is left to be told.
  app.on('error', (error: unknown) => deps.log.debug({ err: error }, 'answer not delivered'));
  const router = createRouter(apiRoutes(deps));
  app.use(safeHeaders);
  app.use(errorHandler(deps.log));
  app.use(guard(deps));
  app.use(refuseOtherBodies);
  app.use(bodyParser({ enableTypes: ['json'], parsedMethods: ['POST', 'PUT', 'DELETE'], jsonLimit: '64kb' }));
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
}

/** Every route there is; the document is held against this list. */
export function apiRoutes(deps: ApiDeps): Route[] {
  const routes = [
    ...jobRoutes(deps),
    ...historyRoutes(deps),
    ...jobEventRoutes(deps),
    ...bandwidthRoutes(deps),
    ...locationRoutes(deps),
    ...adoptionRoutes(deps),
    ...backupRoutes(deps),
    ...scheduleRoutes(deps),
    ...nodeRoutes(deps),
    ...ringRoutes(deps),
    ...offerRoutes(deps),
    ...reportRoutes(deps),
    ...configRoutes(deps),
    ...liveNodeRoutes(deps),
    ...healthRoutes(deps),
    ...metricsRoutes(deps),
    ...docsRoutes(),
    ...artifactRoutes(deps),
  ];
  const index: Route = jsonRoute('GET', '/', {}, () =>
    [index, ...routes].map(({ method, path, contentType, otherTypes = [] }) => ({
      method,
      url: path.replaceAll(/:(\w+)/g, '{$1}'),
      contentType: [contentType, ...otherTypes],
    })),
  );
  return [index, ...routes];
}

export function createRouter(routes: Route[]): Router {
  // All methods, so that a wrong one is answered with 405 and `Allow` whatever it is.
  const router = new Router({ methods: METHODS });
  for (const route of routes) router.register(route.path, [route.method], (ctx) => route.handle(ctx));
  return router;
}

const safeHeaders: Middleware = (ctx, next) => {
  ctx.set({ 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' });
  return next();
};

/** `curl -d` sends a form unless told otherwise; to leave it unread would start a job with other parameters. */
const refuseOtherBodies: Middleware = (ctx, next) => {
  const hasBody = (ctx.request.length ?? 0) > 0 || ctx.headers['transfer-encoding'] !== undefined;
  if (!hasBody || ctx.request.is('application/json')) return next();
  throw new OperatorError(
    'BAD_REQUEST',
    `Expected a JSON object as request body (Content-Type: application/json), got ${ctx.request.type || 'no type'}`,
    { hint: "Use the query, or curl's --json option." },
  );
};
