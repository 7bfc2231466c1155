#!/usr/bin/env node
// Checks the Node version before anything else is loaded: better-sqlite3 crashes the process on Node 20,
// older ones cannot run the sources, and before 22.21 and 24.5 its agents would pass by a proxy without a word.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isFit = major === 22 ? minor >= 21 : major === 24 ? minor >= 5 : major > 24;
if (!isFit) {
  process.stderr.write(
    `cassandra-mesos: expected Node 22.21, 24.5 or newer, got ${process.versions.node}. In a clone, scripts/cassandra-mesos uses the pinned one.\n`,
  );
  process.exit(2);
}
const { main } = await import('./main.ts');
process.exitCode = await main(process.argv);
