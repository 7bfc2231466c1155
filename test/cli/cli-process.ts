// The command line as a process of its own: what src/bin does for these commands, with the test's times.
import { systemClock } from '../../src/clock.ts';
import { createProgram } from '../../src/cli/program.ts';

const interrupted = new AbortController();
process.on('SIGINT', () => interrupted.abort());

const { run } = createProgram({
  stdout: process.stdout,
  stderr: process.stderr,
  url: process.env['CASSANDRA_MESOS_URL'] ?? null,
  token: process.env['CASSANDRA_MESOS_TOKEN'] ?? null,
  clock: systemClock,
  signal: interrupted.signal,
  pollMs: 20,
  outageMs: Number(process.env['OUTAGE_MS'] ?? 60_000),
});
process.exitCode = await run(process.argv.slice(2));
