import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { createProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/clock.ts';
import type { TestApi } from '../api/helpers.ts';

const CLI = fileURLToPath(new URL('cli-process.ts', import.meta.url));

/** A command that runs in a process of its own; what it wrote so far, and its exit code. */
export function startCli(t: ExecutionContext, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (output.stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (output.stderr += String(chunk)));
  const closed = once(child, 'close');
  t.teardown(() => child.kill('SIGKILL'));
  return {
    child,
    output,
    /** Waits until stderr has the text. */
    async says(text: RegExp): Promise<void> {
      while (!text.test(output.stderr)) {
        const event = await Promise.race([once(child.stderr, 'data'), closed.then(() => 'closed' as const)]);
        if (event === 'closed' && !text.test(output.stderr))
          throw new Error(`it ended without ${text}: ${output.stderr}`);
      }
    },
    /** Waits for the end. */
    async ends(): Promise<{ code: number | null; stdout: string; stderr: string }> {
      const [code] = (await closed) as [number | null];
      return { code, ...output };
    },
  };
}

/** Runs a command in this process: enough for what ends before any other process has a part in it. */
export async function runHere(args: string[], url: string | null = null) {
  const output = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof output) =>
    new Writable({
      write(chunk, _encoding, done) {
        output[name] += String(chunk);
        done();
      },
    });
  const { run } = createProgram({
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    url,
    token: null,
    clock: systemClock,
  });
  return { code: await run(args), ...output };
}

/** Runs a command to its end against an API. */
export function cli(api: Pick<TestApi, 'url'>, ...args: string[]) {
  return runHere(args, api.url);
}
