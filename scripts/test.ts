// Runs the checks and closes with one line: `N passed, N failed`. The scenarios run beside the others: a ring waits for much of its time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { createInterface } from 'node:readline';

interface Check {
  name: string;
  command: string[];
  /** Its output is ava's report in TAP, whose tests are counted; otherwise the check counts as one. */
  tap?: boolean;
  /** How far it stands back for what runs beside it, as of the command `nice`. */
  nice?: number;
}

const node = process.execPath;
/** What agents fetch. */
const BUILD: Check = { name: 'build', command: [node, 'scripts/build.ts'] };
const IN_TURN: Check[] = [
  { name: 'lint', command: [node, 'node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'format', command: [node, 'node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'] },
  { name: 'types', command: [node, 'node_modules/typescript/bin/tsc', '--noEmit'] },
  // They take the time that the rings leave, and do not make nodes miss each other.
  { name: 'unit tests', command: [node, 'node_modules/ava/entrypoints/cli.js', '--tap'], tap: true, nice: 5 },
];
const SCENARIOS: Check = { name: 'scenarios', command: [node, 'scripts/scenarios.ts', '--tap'], tap: true };

let passed = 0;
let failed = 0;

const write = (line: string): void => void process.stdout.write(`${line}\n`);

/** Counts, and shows every line: those of passed tests are the progress. A report waits until it is its `turn`. */
async function run({ name, command: [file = '', ...args], tap, nice = 0 }: Check, turn?: Promise<void>): Promise<void> {
  const started = Date.now();
  const child = spawn(file, args, { stdio: ['ignore', tap ? 'pipe' : 'inherit', 'inherit'] });
  if (child.pid !== undefined && nice !== 0) setPriority(child.pid, nice);
  const held: string[] = [`# ${name}`];
  let show = (line: string): void => void held.push(line);
  const shown = Promise.resolve(turn).then(() => {
    for (const line of held) write(line);
    show = write;
  });
  let named = 0;
  if (child.stdout !== null) {
    createInterface(child.stdout).on('line', (line) => {
      if (/^ok \d+/.test(line)) passed += 1;
      else if (/^not ok \d+/.test(line)) named += 1;
      show(line);
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  const took = Math.round((Date.now() - started) / 1000);
  await shown;
  const ok = code === 0;
  if (!tap && ok) passed += 1;
  // A check that ends badly without naming a test has failed all the same.
  failed += !ok && named === 0 ? 1 : named;
  write(`# ${name}: ${ok ? 'ok' : 'failed'} in ${took} s`);
}

async function runInTurn(): Promise<void> {
  for (const check of IN_TURN) await run(check);
}

await run(BUILD);
const inTurn = runInTurn();
await Promise.all([inTurn, run(SCENARIOS, inTurn)]);
write(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
