import type { ApiDeps } from '../deps.ts';
import { textRoute, type Route } from '../route.ts';

/** Version 0.0.4 of Prometheus' text format, which every scraper reads. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** What Prometheus scrapes. */
export function metricsRoutes(deps: ApiDeps): Route[] {
  return [textRoute('/metrics', CONTENT_TYPE, {}, () => deps.metrics())];
}
