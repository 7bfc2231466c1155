#!/usr/bin/env node
// Checks the Node version before anything else is loaded: better-sqlite3 crashes the process on Node 20,
// and older ones cannot run the sources.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `cassandra-mesos: expected Node 22.18 or newer, got ${process.versions.node}. In a clone, scripts/cassandra-mesos uses the pinned one.\n`,
  );
  process.exit(2);
}
const { main } = await import('./main.ts');
process.exitCode = await main(process.argv);
