import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import anyTest, { type ExecutionContext } from 'ava';
import { freePort } from '../../helpers/free-port.ts';
import { startFaultProxy } from '../../helpers/fault-proxy.ts';
import { HAS_OPENSSL, startTlsFront } from '../../helpers/tls-front.ts';
import { temporaryDirectory } from '../contract.ts';
import { KEY, startVersitygw, VERSITYGW, type S3Server } from '../versitygw.ts';

const test = VERSITYGW === null ? anyTest.skip : anyTest;
const CHILD = join(import.meta.dirname, '../../helpers/open-place-child.ts');
const run = promisify(execFile);

const directory = mkdtempSync(join(tmpdir(), 's3-environment-test-'));
let server: S3Server;

anyTest.before(async () => {
  if (VERSITYGW !== null) server = await startVersitygw(directory, ['--keep-alive']);
});

anyTest.after.always(async () => {
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

interface Said {
  read?: string;
  code?: string;
  message?: string;
  hint?: string;
  ms: number;
}

/** What a process with this environment, and a home of its own, finds at a place. */
async function openIn(t: ExecutionContext, location: string, env: NodeJS.ProcessEnv, times = 1): Promise<Said> {
  const HOME = await temporaryDirectory(t);
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const none = { AWS_EC2_METADATA_DISABLED: 'true', HOME, PATH, NODE_COMPILE_CACHE };
  const { stdout } = await run(process.execPath, [CHILD, location, String(times)], { env: { ...none, ...env } });
  return JSON.parse(stdout) as Said;
}

/** A place in a bucket of its own. */
function placeAt(endpoint: string, options = ''): string {
  return `s3://b-${randomUUID()}/prefix?createBucket=true&endpoint=${endpoint}&region=us-east-1${options}`;
}

const KEYS = { AWS_ACCESS_KEY_ID: KEY.id, AWS_SECRET_ACCESS_KEY: KEY.secret };

/** A server on loopback; its address. */
async function serve(t: ExecutionContext, handler: RequestListener): Promise<string> {
  const listening = createServer(handler).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  t.teardown(() => {
    listening.close();
    listening.closeAllConnections();
  });
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

/** A store of one document that lets everybody in, for versitygw takes no session tokens; and the tokens in the order in which they came first. */
async function serveEverybody(t: ExecutionContext): Promise<{ url: string; tokens: Set<unknown> }> {
  const tokens = new Set<unknown>();
  let content = '';
  const url = await serve(t, (request, response) => {
    tokens.add(request.headers['x-amz-security-token']);
    void textOf(request).then((text) => {
      if (request.method === 'PUT') content = text;
      const isListing = request.url?.includes('list-type') ?? false;
      const list = '<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>0</KeyCount></ListBucketResult>';
      response.end(isListing ? list : request.method === 'GET' ? content : '');
    });
  });
  return { url, tokens };
}

test('CA files of the environment that are missing or broken do not keep anybody from a plain endpoint', async (t) => {
  const broken = join(await temporaryDirectory(t), 'broken.pem');
  await writeFile(broken, '-----BEGIN CERTIFICATE-----\nbroken\n');
  for (const file of ['/nowhere/ca.pem', broken]) {
    const env = { ...KEYS, AWS_CA_BUNDLE: file, NODE_EXTRA_CA_CERTS: file, SSL_CERT_FILE: file };
    t.like(await openIn(t, placeAt(server.endpoint), env), { read: 'content 1' });
  }
});

test('what a request has waited for by the default credentials is let go with it', async (t) => {
  const child = join(import.meta.dirname, '../../helpers/grown-heap-child.ts');
  const env = { ...KEYS, AWS_EC2_METADATA_DISABLED: 'true', PATH: process.env['PATH'] };
  const { stdout } = await run(process.execPath, ['--expose-gc', child, placeAt(server.endpoint)], { env });
  // Held, each had some KiB.
  t.true(Number(stdout) < 1_500_000, `1000 requests have left ${stdout.trim()} bytes`);
});

test('a location that names its endpoint goes there, whatever the environment says of Amazon', async (t) => {
  const elsewhere = `http://127.0.0.1:${await freePort()}`;
  const config = join(await temporaryDirectory(t), 'config');
  await writeFile(config, `[default]\nendpoint_url = ${elsewhere}\nregion = eu-west-1\nuse_fips_endpoint = true\n`);
  const env = {
    ...KEYS,
    AWS_CONFIG_FILE: config,
    AWS_ENDPOINT_URL: elsewhere,
    AWS_ENDPOINT_URL_S3: elsewhere,
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-2',
    AWS_USE_FIPS_ENDPOINT: 'true',
    AWS_USE_DUALSTACK_ENDPOINT: 'true',
    AWS_MAX_ATTEMPTS: '50',
    AWS_RETRY_MODE: 'adaptive',
    AWS_REQUEST_CHECKSUM_CALCULATION: 'WHEN_SUPPORTED',
    AWS_RESPONSE_CHECKSUM_VALIDATION: 'WHEN_SUPPORTED',
  };
  t.like(await openIn(t, placeAt(server.endpoint), env), { read: 'content 1' });
  const named = { ...env, AWS_ACCESS_KEY_ID: 'other', AWS_PROFILE: 'nobody', OWN_ACCESS_KEY_ID: KEY.id };
  const own = { ...named, OWN_SECRET_ACCESS_KEY: KEY.secret };
  t.like(await openIn(t, placeAt(server.endpoint, '&credentials=env:OWN_'), own), { read: 'content 1' });
});

test("a location that names none is found as Amazon's own tools find it", async (t) => {
  const proxy = await startFaultProxy(t, server.endpoint);
  const place = `s3://b-${randomUUID()}/prefix?createBucket=true&pathStyle=true`;
  const env = { ...KEYS, AWS_ENDPOINT_URL_S3: proxy.url, AWS_DEFAULT_REGION: 'us-east-1' };
  t.like(await openIn(t, place, env), { read: 'content 1' });
  t.not(proxy.seen.length, 0);
  const regionless = await openIn(t, place, { ...KEYS, AWS_ENDPOINT_URL_S3: proxy.url });
  t.is(regionless.code, 'STORAGE_FAILED');
  t.regex(regionless.hint ?? '', /region=/);
});

test('a profile of the shared files is used, by the location or by AWS_PROFILE', async (t) => {
  const credentials = join(await temporaryDirectory(t), 'credentials');
  const lines = ['[default]', 'aws_access_key_id = other', 'aws_secret_access_key = other'];
  lines.push('[backup]', `aws_access_key_id = ${KEY.id}`, `aws_secret_access_key = ${KEY.secret}`);
  await writeFile(credentials, lines.join('\n'));
  const env = { AWS_SHARED_CREDENTIALS_FILE: credentials };
  t.like(await openIn(t, placeAt(server.endpoint, '&profile=backup'), env), { read: 'content 1' });
  t.like(await openIn(t, placeAt(server.endpoint), { ...env, AWS_PROFILE: 'backup' }), { read: 'content 1' });
  t.like(await openIn(t, placeAt(server.endpoint), env), { code: 'STORAGE_FAILED' });
});

test('a host without credentials says in seconds what to give it, and asks nobody where it may not', async (t) => {
  let asked = 0;
  // As where the address leads nowhere: nobody answers.
  const silent = await serve(t, () => (asked += 1));
  const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: silent };
  const disabled = await openIn(t, placeAt(server.endpoint), env);
  t.is(asked, 0);
  const enabled = await openIn(t, placeAt(server.endpoint), { ...env, AWS_EC2_METADATA_DISABLED: 'false' });
  t.not(asked, 0);
  for (const said of [disabled, enabled]) {
    t.is(said.code, 'STORAGE_FAILED');
    t.regex(said.hint ?? '', /no credentials.*credentials=/);
    t.true(said.ms < 10_000, `${said.ms} ms`);
  }
});

anyTest("an instance's role is used, and its credentials are renewed before they expire", async (t) => {
  const store = await serveEverybody(t);
  let given = 0;
  const metadata = await serve(t, (request, response) => {
    const path = '/latest/meta-data/iam/security-credentials/';
    if (request.method === 'PUT') response.end('a token');
    else if (request.headers['x-aws-ec2-metadata-token'] !== 'a token') response.writeHead(401).end();
    else if (request.url === path) response.end('backup-role');
    else if (request.url === `${path}backup-role`) response.end(JSON.stringify(roleKeys((given += 1))));
    else response.writeHead(404).end();
  });
  const env = { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata };
  t.like(await openIn(t, placeAt(store.url), env, 3), { read: 'content 3' });
  t.deepEqual([...store.tokens].slice(0, 2), ['session 1', 'session 2']);
});

anyTest("a container's credentials are used, and those of a web identity", async (t) => {
  const work = await temporaryDirectory(t);
  const store = await serveEverybody(t);
  const container = await serve(t, ({ headers }, response) => {
    if (headers.authorization === 'let me in') response.end(JSON.stringify(roleKeys(7)));
    else response.writeHead(401).end();
  });
  const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: container, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'let me in' };
  t.like(await openIn(t, placeAt(store.url), env), { read: 'content 1' });
  t.deepEqual([...store.tokens], ['session 7']);

  await writeFile(join(work, 'token'), 'signed by the cluster');
  const sts = await serve(t, (request, response) => {
    void textOf(request).then((asked) => {
      if (asked.includes('WebIdentityToken=signed%20by%20the%20cluster')) response.end(assumed(roleKeys(8)));
      else response.writeHead(403).end();
    });
  });
  const identity = {
    AWS_WEB_IDENTITY_TOKEN_FILE: join(work, 'token'),
    AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/backup',
    AWS_ENDPOINT_URL_STS: sts,
  };
  t.like(await openIn(t, placeAt(store.url), identity), { read: 'content 1' });
  t.deepEqual([...store.tokens], ['session 7', 'session 8']);
});

const testOverTls = HAS_OPENSSL ? anyTest : anyTest.skip;

testOverTls('who gives credentials is never believed without a check', async (t) => {
  const work = await temporaryDirectory(t);
  const store = await serveEverybody(t);
  const front = await startTlsFront(t, await serve(t, (_, response) => response.end(assumed(roleKeys(9)))));
  await writeFile(join(work, 'token'), 'signed by the cluster');
  const env = {
    AWS_WEB_IDENTITY_TOKEN_FILE: join(work, 'token'),
    AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/backup',
    AWS_ENDPOINT_URL_STS: front.url,
  };
  const said = await openIn(t, placeAt(store.url, '&insecure=true'), env);
  t.is(said.code, 'STORAGE_FAILED');
  t.regex(said.hint ?? '', /caFile=/);
  t.is(store.tokens.size, 0);
  const trusting = placeAt(store.url, `&caFile=${front.certificateFile}`);
  t.like(await openIn(t, trusting, env), { read: 'content 1' });
});

/** Of a role, in the words of the metadata services. They are renewed from five minutes before their end on. */
function roleKeys(number: number) {
  return {
    Code: 'Success',
    Type: 'AWS-HMAC',
    AccessKeyId: KEY.id,
    SecretAccessKey: KEY.secret,
    Token: `session ${number}`,
    Expiration: new Date(Date.now() + 60_000).toISOString(),
  };
}

/** The answer to AssumeRoleWithWebIdentity. */
function assumed({ AccessKeyId, SecretAccessKey, Token, Expiration }: ReturnType<typeof roleKeys>): string {
  const credentials = `<AccessKeyId>${AccessKeyId}</AccessKeyId><SecretAccessKey>${SecretAccessKey}</SecretAccessKey><SessionToken>${Token}</SessionToken><Expiration>${Expiration}</Expiration>`;
  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>${credentials}</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
  return text;
}
