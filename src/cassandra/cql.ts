import { Client, errors, policies, types } from 'cassandra-driver';
import { messageOf, OperatorError, type ErrorCode } from '../errors.ts';

export interface QueryOptions {
  signal?: AbortSignal | undefined;
  timeoutMs: number;
}

export type Row = Readonly<Record<string, unknown>>;

const PAGE_ROWS = 1000;

/** CQL to one node and to no other of its ring: what we ask is about this node. */
export class Cql {
  readonly #client: Client;
  readonly #name: string;

  constructor(address: string, port: number) {
    const { AllowListPolicy, RoundRobinPolicy } = policies.loadBalancing;
    this.#name = `${address}:${port}`;
    this.#client = new Client({
      contactPoints: [this.#name],
      policies: {
        loadBalancing: new AllowListPolicy(new RoundRobinPolicy(), [this.#name]),
        // A statement is sent once: whether it makes sense again is for the caller to say.
        retry: new policies.retry.FallthroughRetryPolicy(),
      },
      isMetadataSyncEnabled: false,
      // The driver would also wait for the schema of nodes that are down; LiveNode asks Cassandra for the live ones.
      protocolOptions: { maxSchemaAgreementWaitSeconds: 0 },
    });
  }

  /** All rows of a query, over as many pages as it has. The deadline holds for each page. */
  async rows(query: string, options: QueryOptions & { params?: unknown[] }): Promise<Row[]> {
    const rows: Row[] = [];
    let pageState: string | null = null;
    do {
      const page: types.ResultSet = await this.#run(query, options, pageState);
      rows.push(...page.rows);
      pageState = page.pageState;
    } while (pageState);
    return rows;
  }

  /** Runs one statement once. */
  async execute(statement: string, options: QueryOptions): Promise<void> {
    await this.#run(statement, options, null);
  }

  async close(): Promise<void> {
    await this.#client.shutdown();
  }

  async #run(query: string, options: QueryOptions & { params?: unknown[] }, pageState: string | null) {
    const { signal, timeoutMs, params = [] } = options;
    signal?.throwIfAborted();
    const running = this.#client.execute(query, params, {
      readTimeout: timeoutMs,
      fetchSize: PAGE_ROWS,
      consistency: types.consistencies.one,
      ...(pageState === null ? {} : { pageState }),
    });
    try {
      return await orAborted(running, signal);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw new OperatorError(codeOf(error), `CQL at ${this.#name}: ${textOf(error)}`, { cause: error });
    }
  }
}

/** The driver takes no signal: the wait ends, the statement itself may still take effect. */
async function orAborted<T>(running: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await running;
  return await new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    running.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Refusals that pass by themselves when the other nodes come back. */
const UNAVAILABLE = new Set<number>([
  types.responseErrorCodes.unavailableException,
  types.responseErrorCodes.overloaded,
  types.responseErrorCodes.isBootstrapping,
]);

function codeOf(error: unknown): ErrorCode {
  if (error instanceof errors.NoHostAvailableError || error instanceof errors.BusyConnectionError) {
    return 'CASSANDRA_UNAVAILABLE';
  }
  if (error instanceof errors.OperationTimedOutError) return 'TIMEOUT';
  return error instanceof errors.ResponseError && UNAVAILABLE.has(error.code)
    ? 'CASSANDRA_UNAVAILABLE'
    : 'CASSANDRA_ERROR';
}

/** NoHostAvailableError says nothing by itself; the reason is in what each host answered: here, the one. */
function textOf(error: unknown): string {
  if (!(error instanceof errors.NoHostAvailableError)) return messageOf(error);
  const reasons = Object.values(error.innerErrors as Record<string, unknown>).map(messageOf);
  return reasons.length > 0 ? reasons.join('; ') : messageOf(error);
}
