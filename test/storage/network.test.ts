import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import { z } from 'zod';
import { createCopyPool, type CopyPool } from '../../src/storage/copy-pool.ts';
import { networkAgents, networkOptions, networkShape } from '../../src/storage/network.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { FAR_NAME, HAS_OPENSSL, startTestProxy, startTlsFront } from '../helpers/tls-front.ts';
import { rejectsWith, temporaryDirectory } from './contract.ts';
import { AZURITE, AZURITE_ACCOUNT, AZURITE_ENV, openAzureAt, startAzurite } from './azurite.ts';
import { FAKE_GCS, openGsAt, startFakeGcs } from './fake-gcs.ts';
import { openAt, startVersitygw, VERSITYGW } from './versitygw.ts';

const DIRECT = { caFile: null, proxy: null, insecure: false };
const pool = createCopyPool();
const directory = mkdtempSync(join(tmpdir(), 'network-test-'));

/** A store of each kind, and how a place in it is opened. */
interface Kind {
  name: string;
  isThere: boolean;
  start: () => Promise<{ endpoint: string; stop(): Promise<void> }>;
  open: (server: { endpoint: string }, pool: CopyPool, how: How) => Promise<Storage>;
}

interface How {
  options?: string;
  patient?: boolean;
  env?: NodeJS.ProcessEnv;
}

const KINDS: Kind[] = [
  { name: 'S3', isThere: VERSITYGW !== null, start: () => startVersitygw(directory, ['--keep-alive']), open: openAt },
  { name: 'Google', isThere: FAKE_GCS !== null, start: () => startFakeGcs(null), open: openGsAt },
  {
    name: 'Azure',
    isThere: AZURITE !== null,
    start: () => startAzurite(join(directory, 'azurite'), ['--disableProductStyleUrl']),
    open: (server, to, { options = '', env, ...how }) =>
      openAzureAt({ endpoint: `${server.endpoint}/${AZURITE_ACCOUNT.name}` }, to, {
        ...how,
        options: `&account=${AZURITE_ACCOUNT.name}${options}`,
        env: { ...AZURITE_ENV, ...env },
      }),
  },
];

anyTest.after.always(async () => {
  await pool.close();
  rmSync(directory, { recursive: true, force: true });
});

for (const { name, isThere, start, open } of KINDS) {
  const test = isThere && HAS_OPENSSL ? anyTest : anyTest.skip;
  let server: Awaited<ReturnType<Kind['start']>> | undefined;
  if (isThere) anyTest.before(async () => (server = await start()));
  const origin = (): string => new URL(server!.endpoint).origin;
  anyTest.after.always(() => server?.stop());

  const kept = async (front: { url: string }, options: string, env: NodeJS.ProcessEnv = {}): Promise<string | null> => {
    const storage = await open({ endpoint: front.url }, pool, { options: `&createBucket=true${options}`, env });
    await storage.putDocument('c/document', 'kept');
    return storage.getDocument('c/document');
  };

  test(`${name}: a certificate of an unknown CA is refused with the option that names one`, async (t) => {
    const front = await startTlsFront(t, origin());
    const error = await rejectsWith(t, 'STORAGE_FAILED', kept(front, ''));
    t.regex(error.message, /self.signed certificate/);
    t.regex(error.hint ?? '', /caFile=/);
  });

  test(`${name}: a CA that the location names is believed, and insecure=true believes anybody`, async (t) => {
    const front = await startTlsFront(t, origin());
    t.is(await kept(front, `&caFile=${front.certificateFile}`), 'kept');
    t.is(await kept(front, '&insecure=true'), 'kept');
    const other = await startTlsFront(t, origin());
    await rejectsWith(t, 'STORAGE_FAILED', kept(front, `&caFile=${other.certificateFile}`));
  });

  test(`${name}: everything goes through the proxy that the location names`, async (t) => {
    const front = await startTlsFront(t, origin());
    const proxy = await startTestProxy(t);
    const far = { url: `https://${FAR_NAME}:${front.port}` };
    t.is(await kept(far, `&caFile=${front.certificateFile}&proxy=${proxy.url}`), 'kept');
    t.deepEqual(new Set(proxy.asked), new Set([`${FAR_NAME}:${front.port}`]));
    t.true(proxy.asked.length < 4, 'connections are kept');
    const plain = await startTestProxy(t);
    t.is(await kept({ url: origin() }, `&proxy=${plain.url}`), 'kept');
    t.true(plain.asked.length >= 3);
  });

  test(`${name}: the proxy of the environment is for what is far away, unless NO_PROXY says otherwise`, async (t) => {
    const front = await startTlsFront(t, origin());
    const proxy = await startTestProxy(t);
    const far = { url: `https://${FAR_NAME}:${front.port}` };
    const options = `&caFile=${front.certificateFile}`;
    const env = { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url };
    t.is(await kept(front, options, env), 'kept');
    t.deepEqual(proxy.asked, []);
    t.is(await kept(far, options, env), 'kept');
    t.not(proxy.asked.length, 0);
    const opened = open({ endpoint: far.url }, pool, { options, env: { ...env, NO_PROXY: 'example' }, patient: false });
    const error = await rejectsWith(t, 'STORAGE_UNAVAILABLE', opened);
    t.regex(error.message, /ENOTFOUND|EAI_AGAIN/);
  });

  test(`${name}: a proxy that refuses is told as one`, async (t) => {
    const front = await startTlsFront(t, origin());
    const proxy = await startTestProxy(t, { refuse: 407 });
    const error = await rejectsWith(t, 'STORAGE_FAILED', kept(front, `&proxy=${proxy.url}`));
    t.regex(error.message, /407/);
    t.regex(error.hint ?? '', /proxy/);
  });
}

const options = z.strictObject(networkShape);

anyTest('an option that says nothing sensible is refused by what was expected', (t) => {
  for (const [query, expected] of [
    [{ caFile: 'ca.pem' }, /absolute path/],
    [{ proxy: 'proxy:3128' }, /http:\/\/host:port/],
    [{ proxy: 'socks5://proxy:1080' }, /http:\/\/host:port/],
    [{ proxy: 'http://proxy:70000' }, /http:\/\/host:port/],
    [{ proxy: 'http://user:hidden@proxy:3128' }, /HTTPS_PROXY/],
    [{ insecure: 'yes' }, /true or false/],
  ] as const) {
    const { error } = options.safeParse(query);
    t.regex(error?.issues[0]?.message ?? '', expected);
    t.notRegex(error?.issues[0]?.message ?? '', /hidden/);
  }
  t.deepEqual(networkOptions(options.parse({})), DIRECT);
  t.deepEqual(networkOptions(options.parse({ caFile: '/ca.pem', proxy: 'http://proxy:3128/', insecure: 'true' })), {
    caFile: '/ca.pem',
    proxy: 'http://proxy:3128',
    insecure: true,
  });
});

anyTest('a CA file that is missing, no PEM or broken is told by its name', async (t) => {
  const work = await temporaryDirectory(t);
  const broken = '-----BEGIN CERTIFICATE-----\nMIIBgarbage\n-----END CERTIFICATE-----\n';
  for (const [file, text] of [
    ['none', null],
    ['text', 'hello'],
    ['broken', broken],
  ] as const) {
    const caFile = join(work, file);
    if (text !== null) await writeFile(caFile, text);
    const error = await rejectsWith(t, 'STORAGE_FAILED', networkAgents({ ...DIRECT, caFile }, {}));
    t.true(error.message.includes(caFile), error.message);
    t.regex(error.hint ?? '', /PEM file .* on each node/);
  }
});

anyTest('NO_PROXY is read as the tools of the field do: names with what is below them, networks, all', async (t) => {
  const proxy = await startTestProxy(t);
  const isProxied = async (url: string, NO_PROXY: string): Promise<boolean> => {
    const { client, http } = await networkAgents(DIRECT, { http_proxy: proxy.url.replace('http://', ''), NO_PROXY });
    // Nobody listens on that port of any of them.
    const signal = AbortSignal.timeout(5000);
    const asked = [proxy.asked.length];
    await new Promise((resolve) => get(url, { agent: http, signal }).on('error', resolve));
    asked.push(proxy.asked.length);
    const request = { method: 'GET', url: new URL(url), headers: {}, signal, connectMs: 5000 };
    await t.throwsAsync(client.request(request).then(({ body }) => body.toArray()));
    asked.push(proxy.asked.length);
    const [byAgent, byClient] = [asked[1]! > asked[0]!, asked[2]! > asked[1]!];
    t.is(byClient, byAgent, `${url}, NO_PROXY=${NO_PROXY}`);
    return byAgent;
  };
  t.true(await isProxied('http://a.storage.example:1/', ''));
  t.true(await isProxied('http://badstorage.example:1/', 'storage.example'));
  t.false(await isProxied('http://a.storage.example:1/', 'storage.example'));
  t.false(await isProxied('http://a.storage.example:1/', 'other, .storage.example'));
  t.false(await isProxied('http://a.storage.example:1/', 'other , storage.example'));
  t.false(await isProxied('http://a.storage.example:1/', '*'));
  t.true(await isProxied('http://192.0.2.7:1/', '192.0.2.8/29,192.0.2.7/x'));
  t.false(await isProxied('http://127.0.0.9:1/', ''));
  t.false(await isProxied('http://localhost:1/', ''));
});

anyTest('a variable that is no proxy is told by its name, not by its value', async (t) => {
  for (const HTTPS_PROXY of ['socks5://user:hidden@proxy', 'http://user:hidden@:x']) {
    const error = await rejectsWith(t, 'STORAGE_FAILED', networkAgents(DIRECT, { HTTPS_PROXY }));
    t.regex(error.message, /HTTPS_PROXY/);
    t.notRegex(error.message, /hidden/);
  }
});
