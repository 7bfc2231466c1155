// Runs the checks one after the other and closes with one line: `N passed, N failed`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

interface Check {
  name: string;
  command: string[];
  /** Its output is ava's report in TAP, whose tests are counted; otherwise the check counts as one. */
  tap?: boolean;
}

const node = process.execPath;
const CHECKS: Check[] = [
  { name: 'lint', command: [node, 'node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'format', command: [node, 'node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'] },
  { name: 'types', command: [node, 'node_modules/typescript/bin/tsc', '--noEmit'] },
  { name: 'build', command: [node, 'scripts/build.ts'] },
  { name: 'unit tests', command: [node, 'node_modules/ava/entrypoints/cli.js', '--tap'], tap: true },
  { name: 'scenarios', command: [node, 'scripts/scenarios.ts', '--tap'], tap: true },
];

let passed = 0;
let failed = 0;

/** Shows the failures and their details, and counts. Lines of passed tests are shown as well: it is the progress. */
function countLine(line: string): void {
  if (/^ok \d+/.test(line)) passed += 1;
  else if (/^not ok \d+/.test(line)) failed += 1;
  process.stdout.write(`${line}\n`);
}

async function run({ name, command: [file = '', ...args], tap }: Check): Promise<void> {
  process.stdout.write(`# ${name}\n`);
  const started = Date.now();
  const child = spawn(file, args, { stdio: ['ignore', tap ? 'pipe' : 'inherit', 'inherit'] });
  const before = failed;
  if (tap && child.stdout) createInterface(child.stdout).on('line', countLine);
  const [code] = (await once(child, 'close')) as [number | null];
  const ok = code === 0;
  if (!tap && ok) passed += 1;
  // A check that ends badly without naming a test has failed all the same.
  if (!ok && failed === before) failed += 1;
  process.stdout.write(`# ${name}: ${ok ? 'ok' : 'failed'} in ${Math.round((Date.now() - started) / 1000)} s\n`);
}

for (const check of CHECKS) await run(check);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
