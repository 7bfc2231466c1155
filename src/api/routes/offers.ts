import type { ApiDeps } from '../deps.ts';
import { jsonRoute, type Route } from '../route.ts';

/** Why nothing starts: what became of each agent's last offer, and what still waits for one. */
export function offerRoutes(deps: ApiDeps): Route[] {
  return [
    jsonRoute('GET', '/offers/last', {}, () => {
      const { offers, waiting } = deps.offers();
      return {
        offers: offers.map(({ agentId, hostname, received, launched, reason }) => {
          const decision = launched.length > 0 ? 'LAUNCHED' : 'DECLINED';
          return { agentId, hostname, received, decision, launched, reason };
        }),
        waiting: waiting.map(({ executorId, kind, reason }) => ({ executorId, kind, reason })),
      };
    }),
  ];
}
