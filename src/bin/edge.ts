import { messageOf, OperatorError } from '../errors.ts';

/** Aborts on the first SIGINT or SIGTERM; later ones change nothing, stopping takes its time. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort(new Error(name)));
  return controller.signal;
}

/** The edge: whatever ends a long-running command becomes one message and an exit code. */
export async function edge(run: () => Promise<void>): Promise<number> {
  try {
    await run();
    return 0;
  } catch (error) {
    const hint = error instanceof OperatorError && error.hint ? `\n${error.hint}` : '';
    process.stderr.write(`cassandra-mesos: ${messageOf(error)}${hint}\n`);
    if (error instanceof OperatorError) return error.exitCode;
    process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : ''}\n`);
    return 70;
  }
}
