import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/clock.ts';
import { OperatorError } from '../../src/errors.ts';
import { startApi } from '../api/helpers.ts';
import { cli, runHere, startCli } from './helpers.ts';

async function startServer(t: ExecutionContext, status: number, type: string, body: string): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': type }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port on which nobody listens. */
async function closedUrl(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return `http://127.0.0.1:${port}`;
}

test('Wrong usage is exit code 2 with the reason', async (t) => {
  for (const [args, message] of [
    [['backup', 'strat'], /unknown command 'strat'/],
    [['backup', 'start', '--nmae', 'a'], /unknown option '--nmae'/],
    [['backup', 'start', '--name'], /argument missing/],
    [['backup'], /Usage: cassandra-mesos backup/],
    [['backup', 'status', 'extra'], /too many arguments/],
    [['--nonsense'], /unknown option/],
  ] as const) {
    const { code, stdout, stderr } = await runHere([...args]);
    t.deepEqual([code, stdout], [2, ''], args.join(' '));
    t.regex(stderr, message);
  }
});

test('Wrong usage with --json is JSON as well', async (t) => {
  for (const args of [
    ['backup', 'start', '--nmae', 'a', '--json'],
    ['backup', '--json'],
  ]) {
    const { code, stdout, stderr } = await runHere(args);
    t.deepEqual([code, stderr], [2, '']);
    t.is(JSON.parse(stdout).error.code, 'BAD_REQUEST');
  }
});

test('Help is exit code 0 and names the exit codes', async (t) => {
  const { code, stdout } = await runHere(['--help']);
  t.is(code, 0);
  t.regex(stdout, /Exit codes: 0 success, 1 failed.*3 partial/);
  t.regex((await runHere(['restore', 'start', '--help'])).stdout, /--wait/);
});

test('--url wins over the environment', async (t) => {
  const api = await startApi(t);
  const env = { CASSANDRA_MESOS_URL: 'http://127.0.0.1:1' };
  t.is((await startCli(t, ['backup', 'status', '--url', api.url], env).ends()).code, 0);
  t.is((await startCli(t, ['backup', 'status', '--url', `${api.url}/`], env).ends()).code, 0);
});

test('A scheduler that cannot be reached is named with what to check', async (t) => {
  const url = await closedUrl();
  const { code, stderr } = await runHere(['backup', 'status'], url);
  t.is(code, 1);
  t.true(stderr.includes(url) && stderr.includes('ECONNREFUSED'), stderr);
  t.regex(stderr, /SCHEDULER_UNREACHABLE\)\nCheck that the scheduler runs, and that --url or CASSANDRA_MESOS_URL/);
  const json = await runHere(['backup', 'status', '--json'], url);
  t.deepEqual([json.code, json.stderr], [1, '']);
  t.is(JSON.parse(json.stdout).error.code, 'SCHEDULER_UNREACHABLE');
});

test('Something else than the scheduler is recognised', async (t) => {
  const html = await startServer(t, 200, 'text/html', '<html></html>');
  const other = await runHere(['backup', 'status'], html);
  t.is(other.code, 1);
  t.regex(other.stderr, /Expected JSON from http.*Check that --url/s);
  const proxy = await startServer(t, 502, 'text/html', 'Bad gateway');
  t.regex((await runHere(['backup', 'status'], proxy)).stderr, /a proxy answered HTTP 502/);
});

test('An error code of a newer scheduler is shown as it came', async (t) => {
  const url = await startServer(t, 409, 'application/json', '{"error":{"code":"TOO_NEW","message":"not now"}}');
  const { code, stdout } = await runHere(['backup', 'status', '--json'], url);
  t.is(code, 2);
  t.deepEqual(JSON.parse(stdout), { error: { code: 'TOO_NEW', message: 'not now' } });
  t.regex((await runHere(['backup', 'status'], url)).stderr, /not now/);
});

test('A URL that is none, or holds a password, is wrong usage and is not repeated', async (t) => {
  for (const url of ['localhost:18080', 'ftp://127.0.0.1', 'http://me:geheim@127.0.0.1', 'nonsense']) {
    const { code, stderr } = await runHere(['backup', 'status', '--url', url]);
    t.is(code, 2, url);
    t.regex(stderr, /Expected --url as/);
    t.notRegex(stderr, /geheim/);
  }
});

test('The token is sent with mutating calls and shown nowhere', async (t) => {
  const api = await startApi(t, { deps: { boundToLoopback: false, token: 'geheim' } });
  const refused = await cli(api, 'backup', 'start');
  t.is(refused.code, 2);
  t.regex(refused.stderr, /UNAUTHORIZED/);
  const env = { CASSANDRA_MESOS_URL: api.url, CASSANDRA_MESOS_TOKEN: 'geheim' };
  const accepted = await startCli(t, ['backup', 'start', '--json'], env).ends();
  t.is(accepted.code, 0);
  t.notRegex(accepted.stdout + accepted.stderr, /geheim/);
});

test('A command that is added later has its errors told in the same way', async (t) => {
  let written = '';
  const sink = new Writable({
    write(chunk, _encoding, done) {
      written += String(chunk);
      done();
    },
  });
  const { program, run } = createProgram({ stdout: sink, stderr: sink, url: null, token: null, clock: systemClock });
  program.addCommand(
    new Command('scheduler').requiredOption('--master <url>').action(() => {
      throw new OperatorError('NAME_TAKEN', 'taken', { hint: 'Choose another.' });
    }),
  );
  t.is(await run(['scheduler', '--master', 'x']), 1);
  t.is(written, 'Error: taken (NAME_TAKEN)\nChoose another.\n');
  t.is(await run(['scheduler']), 2);
  t.regex(written, /required option '--master <url>' not specified/);
});
