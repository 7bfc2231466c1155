import type { ApiDeps } from '../deps.ts';
import { jsonRoute, type Route } from '../route.ts';
import { LOCATION } from './jobs.ts';

/** What this host can tell of a place before a job looks at it from the nodes. */
export function locationRoutes(deps: ApiDeps): Route[] {
  return [jsonRoute('GET', '/cluster/location/check', LOCATION, ({ params }) => deps.checkLocation(params.location))];
}
