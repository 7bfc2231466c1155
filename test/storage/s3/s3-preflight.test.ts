import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createServer as createWebServer } from 'node:http';
import { createServer, type AddressInfo, type Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import anyTest, { type ExecutionContext } from 'ava';
import { OperatorError, type ErrorCode } from '../../../src/errors.ts';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { openStorage } from '../../../src/storage/open.ts';
import { proveWritable } from '../../../src/storage/preflight.ts';
import { freePort } from '../../helpers/free-port.ts';
import { listed } from '../listed.ts';
import { KEY, startVersitygw, VERSITYGW, type S3Server } from '../versitygw.ts';

const test = VERSITYGW === null ? anyTest.skip : anyTest;
const run = promisify(execFile);

/** Far more than a refusal takes, and far less than a patient client waits. */
const SOON_MS = 15_000;

const USER = { id: 'somebody', secret: 'somebodys-secret' };
const TLS = join(import.meta.dirname, '../../mesos/tls');

const pool = createCopyPool(1);
const directory = mkdtempSync(join(tmpdir(), 's3-preflight-'));
let server: S3Server;
let secure: S3Server;

anyTest.before(async () => {
  if (VERSITYGW === null) return;
  mkdirSync(join(directory, 'iam'));
  server = await startVersitygw(directory, ['--iam-dir', join(directory, 'iam')]);
  const certificate = ['--cert', join(TLS, 'server.pem'), '--key', join(TLS, 'server-key.pem')];
  secure = await startVersitygw(join(directory, 'secure'), certificate);
  const root = ['--endpoint-url', server.endpoint, '--access', KEY.id, '--secret', KEY.secret];
  const user = ['--access', USER.id, '--secret', USER.secret, '--role', 'user'];
  await run(VERSITYGW, ['admin', ...root, 'create-user', ...user]);
  mkdirSync(join(directory, 'buckets', 'there'));
});

anyTest.after.always(async () => {
  await server?.stop();
  await secure?.stop();
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

const at = (listener: NetServer): string => `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;

interface Place {
  bucket?: string;
  endpoint?: string;
  region?: string;
  key?: typeof KEY;
  more?: string;
}

/** As an executor does it, for somebody who waits. */
async function preflight(place: Place, create = true): Promise<number> {
  const { bucket = 'there', endpoint = server.endpoint, region = 'us-east-1', key = KEY, more = '' } = place;
  const storage = await openStorage(
    `s3://${bucket}/prod?endpoint=${endpoint}&region=${region}&credentials=env:S3_${more}`,
    {
      pool,
      baseDirectory: directory,
      create,
      patient: false,
      env: { S3_ACCESS_KEY_ID: key.id, S3_SECRET_ACCESS_KEY: key.secret },
    },
  );
  const skew = await proveWritable(storage, 'dev', () => Date.now());
  if (place.key === undefined) await noProbe(storage);
  return skew;
}

async function noProbe(storage: Parameters<typeof listed>[0]): Promise<void> {
  const left = await listed(storage);
  if (left.length > 0) throw new Error(`expected nothing, got ${JSON.stringify(left)}`);
}

async function refused(
  t: ExecutionContext,
  act: Promise<unknown>,
  expected: { code: ErrorCode; says: RegExp; hint: RegExp },
): Promise<void> {
  const begun = performance.now();
  const error = await t.throwsAsync(act, { instanceOf: OperatorError });
  t.true(performance.now() - begun < SOON_MS, 'it is told soon');
  t.is(error?.code, expected.code, error?.message);
  t.regex(error?.message ?? '', expected.says);
  t.regex(error?.hint ?? '', expected.hint);
}

const REFUSALS: [string, () => Place, { code: ErrorCode; says: RegExp; hint: RegExp }][] = [
  [
    'a key that the store does not know',
    () => ({ key: { ...KEY, id: 'nobody' } }),
    { code: 'STORAGE_FAILED', says: /\(40[0-9]\): /, hint: /check the node's credentials and the endpoint/ },
  ],
  [
    'a wrong secret',
    () => ({ key: { ...KEY, secret: 'wrong' } }),
    { code: 'STORAGE_FAILED', says: /SignatureDoesNotMatch \(403\)/, hint: /secret key is not the one/ },
  ],
  [
    'a bucket that is not there',
    () => ({ bucket: 'not-there' }),
    { code: 'STORAGE_FAILED', says: /NoSuchBucket \(404\)/, hint: /add createBucket=true/ },
  ],
  [
    'a wrong region',
    () => ({ region: 'eu-central-1' }),
    { code: 'STORAGE_FAILED', says: /region/i, hint: /correct region in the location/ },
  ],
  [
    'a key without any right',
    () => ({ key: USER }),
    { code: 'STORAGE_FAILED', says: /AccessDenied \(403\)/, hint: /Allow this key to/ },
  ],
  [
    'a store whose certificate nobody has signed whom this host trusts',
    () => ({ endpoint: secure.endpoint }),
    { code: 'STORAGE_FAILED', says: /certificate/, hint: /certificate/ },
  ],
];

for (const [what, place, expected] of REFUSALS) {
  test(`${what} is refused in seconds with the store's words and what to change, as well to who only reads`, async (t) => {
    await refused(t, preflight(place()), expected);
    await refused(t, preflight(place(), false), expected);
  });
}

test('an endpoint on which nobody listens is told in seconds', async (t) => {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const expected = {
    code: 'STORAGE_UNAVAILABLE',
    says: /ECONNREFUSED/,
    hint: /check endpoint in the location/,
  } as const;
  await refused(t, preflight({ endpoint }), expected);
  await refused(t, preflight({ endpoint }, false), expected);
});

test('an endpoint at which something else listens is told in seconds', async (t) => {
  const mail = createServer((socket) => void socket.on('error', () => undefined).end('220 mail\r\n'));
  const web = createWebServer((_request, response) => response.writeHead(404).end('<html>no such page</html>'));
  const api = createWebServer((_request, response) => response.writeHead(404).end('{"error":"no such path"}'));
  for (const listener of [mail, web, api]) await once(listener.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    mail.close();
    web.close();
    api.close();
  });
  const hint = /check endpoint in the location/i;
  await refused(t, preflight({ endpoint: at(mail) }), { code: 'STORAGE_FAILED', says: /Parse Error/, hint });
  for (const server of [web, api]) {
    await refused(t, preflight({ endpoint: at(server) }), {
      code: 'STORAGE_FAILED',
      says: /404.*(?<!hidden field.*)$/,
      hint,
    });
  }
});

test('a bucket is made when that is said and something is to be written, and nothing is left in it', async (t) => {
  const place = { bucket: 'made', more: '&createBucket=true' };
  await t.throwsAsync(preflight(place, false), { code: 'STORAGE_FAILED', message: /NoSuchBucket/ });
  t.false(existsSync(join(directory, 'buckets', 'made')));
  t.is(await preflight(place), 0);
  t.true(existsSync(join(directory, 'buckets', 'made')));
});

for (const [missing, says] of [
  ['PutObject', /storing dev\/backups\/lock\/probe-.*AccessDenied/],
  ['GetObject', /reading dev\/backups\/lock\/probe-.*AccessDenied/],
  ['DeleteObject', /deleting dev\/backups\/lock\/probe-.*AccessDenied/],
  ['ListBucket', /looking at .*AccessDenied/],
] as const) {
  test(`a key that lacks s3:${missing} is refused with what it could not do`, async (t) => {
    const bucket = `without-${missing.toLowerCase()}`;
    mkdirSync(join(directory, 'buckets', bucket));
    const credentials = { accessKeyId: KEY.id, secretAccessKey: KEY.secret };
    const { endpoint } = server;
    const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
    t.teardown(() => client.destroy());
    const actions = ['PutObject', 'GetObject', 'DeleteObject', 'ListBucket'].filter((action) => action !== missing);
    const allow = (names: string[], resource: string) => ({
      Effect: 'Allow',
      Principal: { AWS: [USER.id] },
      Action: names.map((name) => `s3:${name}`),
      Resource: resource,
    });
    const objects = allow(
      actions.filter((name) => name !== 'ListBucket'),
      `arn:aws:s3:::${bucket}/*`,
    );
    const whole = missing === 'ListBucket' ? [] : [allow(['ListBucket'], `arn:aws:s3:::${bucket}`)];
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [objects, ...whole] });
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
    await refused(t, preflight({ bucket, key: USER }), { code: 'STORAGE_FAILED', says, hint: /Allow this key to/ });
  });
}
