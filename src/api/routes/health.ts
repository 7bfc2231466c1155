import type { ApiDeps } from '../deps.ts';
import { checkCluster, checkSchedules } from '../health.ts';
import { jsonRoute, type Route } from '../route.ts';

/** Whether the scheduler lives, and whether the cluster is as it should be. */
export function healthRoutes(deps: ApiDeps): Route[] {
  const check = () => {
    const now = deps.clock.now();
    return [...checkCluster(deps.nodes.all(), deps.cluster, now), ...checkSchedules(deps.state.schedules.all(), now)];
  };
  return [
    jsonRoute('GET', '/health/process', {}, () => ({
      healthy: true,
      startedAt: deps.startedAt,
      uptimeMillis: deps.clock.now() - deps.startedAt,
      frameworkId: deps.frameworkId(),
    })),
    jsonRoute('GET', '/health/cluster', {}, ({ ctx }) => {
      const reasons = check().flatMap((result) => result.reasons);
      if (reasons.length === 0) return { healthy: true };
      // The forerunner's status of an unhealthy cluster: load balancers and Marathon look at nothing else.
      ctx.status = 500;
      return { healthy: false, reasons };
    }),
    jsonRoute('GET', '/health/cluster/report', {}, () => {
      const results = check();
      return { healthy: results.every((result) => result.ok), results };
    }),
  ];
}
