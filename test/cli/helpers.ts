import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { CliDeps } from '../../src/cli/deps.ts';
import { createProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/clock.ts';
import type { TestApi } from '../api/helpers.ts';

const CLI = fileURLToPath(new URL('../../src/bin/cli.ts', import.meta.url));

/** The real command line, in a process of its own. Takes a second or so: for what only a process can show. */
export function startCli(t: ExecutionContext, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const closed = once(child, 'close').then(([code]) => code as number | null);
  return { child, ...follow(child.stdout, child.stderr, closed) };
}

/** A command in this process. It asks often, so that a test need not wait for it. */
export function startHere(args: string[], deps: Partial<CliDeps> = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const { run } = createProgram({ stdout, stderr, url: null, token: null, clock: systemClock, pollMs: 20, ...deps });
  const closed = run(args).then(async (code) => {
    const ends = [stdout, stderr].map((stream) => once(stream, 'end'));
    stdout.end();
    stderr.end();
    await Promise.all(ends);
    return code;
  });
  return follow(stdout, stderr, closed);
}

function follow(stdout: Readable, stderr: Readable, closed: Promise<number | null>) {
  const output = { stdout: '', stderr: '' };
  stdout.on('data', (chunk) => (output.stdout += String(chunk)));
  stderr.on('data', (chunk) => (output.stderr += String(chunk)));
  return {
    /** Waits until stderr has the text. */
    async says(text: RegExp): Promise<void> {
      while (!text.test(output.stderr)) {
        const event = await Promise.race([once(stderr, 'data'), closed.then(() => 'closed' as const)]);
        if (event === 'closed' && !text.test(output.stderr))
          throw new Error(`it ended without ${text}: ${output.stderr}`);
      }
    },
    /** Waits for the end. */
    async ends(): Promise<{ code: number | null; stdout: string; stderr: string }> {
      return { code: await closed, ...output };
    },
  };
}

/** Runs a command to its end. */
export function runHere(args: string[], url: string | null = null) {
  return startHere(args, { url }).ends();
}

/** Runs a command to its end against an API. */
export function cli(api: Pick<TestApi, 'url'>, ...args: string[]) {
  return runHere(args, api.url);
}
