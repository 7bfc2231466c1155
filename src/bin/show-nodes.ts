import { pause, systemClock } from '../clock.ts';
import { messageOf } from '../errors.ts';

const POLL_MS = 1_000;

interface NodesAnswer {
  nodes: { executorId: string; lastError: string | null; healthCheckDetails: { operationMode: string } | null }[];
}

/** Tells how the ring comes up, a line for each change, until all nodes are NORMAL or the signal aborts. */
export async function showNodes(
  url: string,
  count: number,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const since = systemClock.now();
  const told = new Set<string>();
  const tellOnce = (line: string): void => {
    if (!told.has(line)) say(line);
    told.add(line);
  };
  while (!signal.aborted) {
    const nodes = await readNodes(url, since);
    for (const { executorId, lastError } of nodes) if (lastError !== null) tellOnce(`${executorId}: ${lastError}`);
    const normal = nodes.filter(({ healthCheckDetails }) => healthCheckDetails?.operationMode === 'NORMAL').length;
    tellOnce(`${normal} of ${count} nodes are NORMAL`);
    if (normal === count) return;
    await pause(systemClock, POLL_MS, signal);
  }
}

/** None while our scheduler does not answer: it is starting, or another program has its port. */
async function readNodes(url: string, since: number): Promise<NodesAnswer['nodes']> {
  try {
    const { startedAt = 0 } = (await readJson(`${url}/health/process`)) as { startedAt?: number };
    return startedAt < since ? [] : ((await readJson(`${url}/node/all`)) as NodesAnswer).nodes;
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return [];
    throw new Error(`read the nodes: ${messageOf(error)}`, { cause: error });
  }
}

async function readJson(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}
