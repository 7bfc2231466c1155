import { randomUUID } from 'node:crypto';
import { OperatorError } from '../../../src/errors.ts';
import type { Fault } from '../../helpers/fault-proxy.ts';
import { rejectsWith } from '../contract.ts';
import { listed } from '../listed.ts';
import type { Says } from './fault-kinds.ts';
import { faultTest, type FaultPlace } from './fault-place.ts';

const HTML = { status: 502, headers: { 'content-type': 'text/html' }, body: '<html><body>Bad gateway</body></html>' };

/** What passes by itself. */
const PASSING: Record<string, (says: Says) => Fault> = {
  'a store that is busy': ({ busy }) => ({ answer: busy() }),
  'a store that counts requests': ({ tooMany }) => ({ answer: tooMany }),
  'a store that is broken': ({ broken }) => ({ answer: broken }),
  'a proxy whose store is away': () => ({ answer: HTML }),
  'a connection that ends before the answer': () => ({ instead: 'lost' }),
  'an error after all was done': ({ broken }) => ({ instead: broken }),
};

/** Acts of one request each, with what is there afterwards. */
const ACTS: [keyof FaultPlace['kind']['asks'], (place: FaultPlace) => Promise<unknown>, unknown][] = [
  ['put', ({ storage }) => storage.putDocument('c/new', 'new'), undefined],
  ['put', ({ storage }) => storage.createDocument('c/once', 'mine'), true],
  ['put', ({ storage }) => storage.createDocument('c/there', 'mine'), false],
  ['read', ({ storage }) => storage.getDocument('c/there'), 'theirs'],
  ['read', ({ storage }) => storage.getHead('c/there', 3), { text: 'the', size: 6 }],
  [
    'head',
    ({ storage }) => storage.link('c/there', 'c/x', { size: 6, unchangedSince: Date.now() + 1e6 }),
    'REFERENCED',
  ],
  ['list', ({ storage }) => listed(storage, 'c/f/'), [{ key: 'c/f/1', size: 3 }]],
  ['list', ({ storage }) => storage.folders('c/'), ['f', 'g']],
  ['delete', ({ storage }) => storage.delete('c/gone'), true],
  ['delete', ({ storage }) => storage.deleteFolder('c/g/'), undefined],
  ['copy', ({ storage }) => storage.moveFolder('c/f/', 'c/h/'), true],
];

for (const [name, fault] of Object.entries(PASSING)) {
  faultTest(`${name} is asked once more, and nothing is done twice or missed`, async (t, place) => {
    const { kind, proxy, direct, clock } = place;
    for (const key of ['c/gone', 'c/there', 'c/f/1', 'c/g/1', 'c/g/2']) {
      await direct.putDocument(key, key === 'c/there' ? 'theirs' : 'own');
    }
    for (const [ask, act, result] of ACTS) {
      const met = proxy.when(kind.asks[ask], fault(kind.says));
      t.deepEqual(await act(place), result, `${ask}: ${String(act)}`);
      t.is(met.times, 1, `${ask}: ${String(act)}`);
      proxy.calm();
    }
    // What was lost with a connection that nobody had used for a while is asked again at once.
    if (fault(kind.says).instead !== 'lost') t.true(clock.pauses.length >= ACTS.length);
    t.deepEqual(
      (await listed(direct)).map(({ key }) => key),
      ['c/h/1', 'c/new', 'c/once', 'c/there'],
    );
    t.is(await direct.getDocument('c/there'), 'theirs');
  });
}

faultTest(
  'a store is left alone for as long as it says, in seconds or until a date',
  async (t, { kind, proxy, storage, clock }) => {
    proxy.when(kind.asks.put, { answer: kind.says.busy({ 'retry-after': '30' }) });
    await storage.putDocument('a', 'a');
    t.deepEqual(clock.pauses, [30_000]);
    const date = new Date(Date.now() + 40_000).toUTCString();
    proxy.when(kind.asks.put, { answer: kind.says.busy({ 'retry-after': date }) });
    await storage.putDocument('a', 'a');
    const [, second = 0] = clock.pauses;
    t.true(second > 10_000 && second <= 40_000, String(second));
  },
);

faultTest('a store that wants to be left alone for an hour is given up', async (t, { kind, proxy, storage, clock }) => {
  const match = kind.asks.put;
  proxy.when(match, { answer: kind.says.busy({ 'retry-after': '3600' }) });
  await rejectsWith(t, 'STORAGE_UNAVAILABLE', storage.putDocument('a', 'a'));
  t.is(proxy.count(match), 1);
  t.deepEqual(clock.pauses, []);
});

faultTest(
  'a store that stays busy is asked ten times, later and later, and its words are told',
  async (t, { kind, proxy, storage, clock }) => {
    const match = kind.asks.read;
    proxy.when(match, { answer: kind.says.busy() }, { times: Infinity });
    const { message } = await rejectsWith(t, 'STORAGE_UNAVAILABLE', storage.getDocument('a'));
    t.regex(message, /reading a at .*(reduce your request rate|busy)/i);
    t.is(proxy.count(match), 10);
    t.is(clock.pauses.length, 9);
    // With jitter each is at least half of what it may be, which doubles.
    for (const [index, pause] of clock.pauses.entries()) {
      const longest = Math.min(20_000, 400 * 2 ** index);
      t.true(pause >= longest / 2 && pause <= longest, `${index}: ${pause}`);
    }
  },
);

const REFUSED = [
  ['denied', 'STORAGE_FAILED', /Nobody may do that/],
  ['full', 'NO_SPACE', /quota/],
] as const;

for (const [answer, code, words] of REFUSED) {
  faultTest(`what a store refuses (${answer}) is not asked again, and told in its words`, async (t, place) => {
    const { kind, proxy, direct } = place;
    const keys = ['c/f/1', 'c/g/1', 'c/gone', 'c/there'];
    for (const key of keys) await direct.putDocument(key, 'theirs');
    for (const [ask, act] of ACTS) {
      if (ask === 'head') continue;
      proxy.forget();
      proxy.when(kind.asks[ask], { answer: kind.says[answer] }, { times: Infinity });
      const { message } = await rejectsWith(t, code, act(place));
      t.regex(message, words);
      t.is(proxy.count(kind.asks[ask]), 1, `${ask}: ${String(act)}`);
      proxy.calm();
    }
    t.deepEqual(
      (await listed(direct)).map(({ key }) => key),
      keys,
    );
  });
}

faultTest(
  'a missing object that nobody may ask for is an error, not an absence',
  async (t, { kind, proxy, storage }) => {
    proxy.when(({ method }) => method === 'HEAD', { answer: { status: 403 } }, { times: Infinity });
    proxy.when(kind.asks.head, { answer: kind.says.denied }, { times: Infinity });
    proxy.when(kind.asks.read, { answer: kind.says.denied }, { times: Infinity });
    for (const act of [() => storage.checksum('a'), () => storage.delete('a'), () => storage.getDocument('a')]) {
      const { message } = await rejectsWith(t, 'STORAGE_FAILED', act());
      t.regex(message, /Nobody may do that/);
    }
  },
);

faultTest(
  'a listing of more keys than a page has is whole, whatever happens to a page',
  async (t, place) => {
    const { kind, proxy, direct, storage } = place;
    const keys = Array.from({ length: kind.pageKeys + 2 }, (_, index) => `c/${String(index).padStart(5, '0')}`);
    const left = keys.values();
    const lane = async (): Promise<void> => {
      for (const key of left) await direct.putDocument(key, '');
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
    const faults: Fault[] = [
      { answer: kind.says.busy() },
      { instead: 'lost' },
      { cutAnswerAt: 300 },
      { shortenAnswerTo: 300 },
      { shortenAnswerTo: 0 },
    ];
    for (const fault of faults) {
      for (const nth of [1, 2]) {
        proxy.forget();
        const met = proxy.when(kind.asks.list, fault, { nth });
        t.deepEqual(
          (await listed(storage)).map(({ key }) => key),
          keys,
          JSON.stringify(fault),
        );
        t.is(met.times, 1);
        t.is(proxy.count(kind.asks.list), 3);
        proxy.calm();
      }
    }
    proxy.when(kind.asks.delete, { instead: 'lost' });
    await storage.deleteFolder('c/');
    t.deepEqual(await listed(direct), []);
  },
  ({ pageKeys }) => pageKeys <= 1000,
);

faultTest('a page that somebody on the way shows is not taken for an empty listing', async (t, place) => {
  const { kind, proxy, storage } = place;
  const page = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Please log in</html>' };
  proxy.when(kind.asks.list, { answer: page }, { times: Infinity });
  await t.throwsAsync(listed(storage), { instanceOf: OperatorError });
  await t.throwsAsync(storage.folders(''), { instanceOf: OperatorError });
});

faultTest(
  'of those who race for a document, and whose answers are lost, one is told that it was first',
  async (t, { kind, proxy, storage }) => {
    proxy.when(kind.asks.put, { instead: 'lost' }, { times: 4 });
    const mine = Array.from({ length: 4 }, () => randomUUID());
    const firsts = await Promise.all(mine.map((text) => storage.createDocument('c/lock', text)));
    t.is(firsts.filter(Boolean).length, 1);
    t.is(await storage.getDocument('c/lock'), mine[firsts.indexOf(true)] ?? null);
  },
);
