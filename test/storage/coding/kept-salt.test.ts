import { randomBytes } from 'node:crypto';
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../src/clock.ts';
import { KeptSalt, SaltSpent } from '../../../src/storage/coding/kept-salt.ts';
import { KeptUploads } from '../../../src/storage/objects/kept-uploads.ts';
import { temporaryDirectory } from '../contract.ts';

const TAGS = Array.from({ length: 1000 }, () => randomBytes(16));
const OTHER = randomBytes(16);

interface Place {
  path: string;
  /** As another process does it. */
  open: (of?: string) => Promise<KeptSalt>;
}

async function place(t: ExecutionContext): Promise<Place> {
  const directory = await temporaryDirectory(t);
  const uploads = await KeptUploads.open(directory, { clock: systemClock });
  const path = uploads.path('salt', 's3://bucket', 'a/b');
  return {
    path,
    async open(of = 'the same') {
      const salt = await KeptSalt.open(uploads, path, of);
      if (salt === null) throw new Error('expected a salt that is kept');
      t.teardown(() => salt.close());
      return salt;
    },
  };
}

/** Enters the first tags, as many. */
async function enter(salt: KeptSalt, count: number): Promise<void> {
  for (const tag of TAGS.slice(0, count)) await salt.enter(tag);
}

test('who goes on enters the same tags, and then those that nobody has entered', async (t) => {
  const { open } = await place(t);
  const first = await open();
  await enter(first, 900);
  const second = await open();
  t.deepEqual(second.salt, first.salt);
  await enter(second, TAGS.length);
  const third = await open();
  t.deepEqual(third.salt, first.salt);
  await t.notThrowsAsync(enter(third, TAGS.length));
});

test('a tag that differs from what was given out, by a process that was killed, is refused', async (t) => {
  const { open } = await place(t);
  await enter(await open(), 10);
  for (const frame of [0, 4, 9]) {
    const again = await open();
    await enter(again, frame);
    await t.throwsAsync(again.enter(OTHER), { instanceOf: SaltSpent });
  }
});

test('of two that are at work at once no two different tags of one frame pass', async (t) => {
  for (let round = 0; round < 20; round += 1) {
    const { open } = await place(t);
    const [left, right] = [await open(), await open()];
    t.deepEqual(left.salt, right.salt);
    const passed = async (salt: KeptSalt, last: Buffer): Promise<boolean> => {
      await enter(salt, 5);
      try {
        await salt.enter(last);
        return true;
      } catch (error) {
        t.true(error instanceof SaltSpent);
        return false;
      }
    };
    const both = await Promise.all([passed(left, OTHER), passed(right, TAGS[5]!)]);
    t.true(both.filter(Boolean).length <= 1);
  }
});

test('of two that are at work at once the same tags pass', async (t) => {
  const { open } = await place(t);
  const both = [await open(), await open()];
  await t.notThrowsAsync(Promise.all(both.map((salt) => enter(salt, 200))));
});

test('another file, another key or another compression gets another salt', async (t) => {
  const { open } = await place(t);
  const { salt } = await open('one');
  t.notDeepEqual((await open('other')).salt, salt);
  t.notDeepEqual((await open('one')).salt, salt);
});

test('a salt that was used before the kernel was started is not used again, since tags may be lost', async (t) => {
  const { path, open } = await place(t);
  const { salt } = await open();
  const opening = JSON.parse(await readFile(path, 'utf8')) as { boot: string };
  await writeFile(path, `${JSON.stringify({ ...opening, boot: 'another' })}\n`);
  t.notDeepEqual((await open()).salt, salt);
});

for (const [what, damage] of [
  ['was cut in the middle of a tag', async (path: string) => truncate(path, (await readFile(path)).length - 5)],
  ['has two tags of one frame', (path: string) => appendFile(path, `2 ${OTHER.toString('base64')}\n`)],
  ['has something else in it', (path: string) => appendFile(path, 'something else\n')],
  ['is of a later version', (path: string) => writeFile(path, '{"version":2,"salt":"","of":"the same","boot":""}\n')],
  ['is empty', (path: string) => truncate(path)],
] as const) {
  test(`a salt whose file ${what} is not used again`, async (t) => {
    const { path, open } = await place(t);
    const first = await open();
    await enter(first, 3);
    await damage(path);
    const second = await open();
    t.notDeepEqual(second.salt, first.salt);
    await t.notThrowsAsync(enter(second, 5));
  });
}

test('nothing is given out where its tag cannot be entered', async (t) => {
  const { open } = await place(t);
  const salt = await open();
  await salt.enter(TAGS[0]!);
  await salt.close();
  await t.throwsAsync(salt.enter(TAGS[1]!), { instanceOf: SaltSpent });
});

test('who has taken a salt that another ends goes on with it, and the next one gets another', async (t) => {
  const { open } = await place(t);
  const [left, right] = [await open(), await open()];
  await enter(left, 3);
  await left.forget();
  await t.notThrowsAsync(enter(right, 5));
  t.notDeepEqual((await open()).salt, left.salt);
});
