import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import test from 'ava';
import { OperatorError } from '../../../src/errors.ts';
import { findKey, parseKeys } from '../../../src/storage/coding/key-ring.ts';

const keyText = (): string => randomBytes(32).toString('base64');

test('keys are read in their order, between comments, and known by name and content', (t) => {
  const [one, two] = [keyText(), keyText()];
  const ring = parseKeys(`# keys\n\n  2026-11   ${one}\r\n2026-10 ${two}`, 'the file /keys');
  t.deepEqual(
    ring.keys.map(({ id }) => id),
    ['2026-11', '2026-10'],
  );
  const [first] = ring.keys;
  t.is(findKey(ring, '2026-11', first.check), first);
  t.is(findKey(ring, '2026-10', first.check), undefined);
  t.is(findKey(ring, '2026-12', first.check), undefined);
  t.is(findKey(ring, '2026-11', undefined), undefined);
  t.is(parseKeys(`other ${one}`, 'x').keys[0].check, first.check, 'the check is of the key alone');
  t.not(parseKeys(`2026-11 ${two}`, 'x').keys[0].check, first.check);
});

test('a file of keys that is wrong is refused by its line, without anything of what is in it', (t) => {
  const key = keyText();
  const refused: [string, RegExp][] = [
    ['', /at least one key, got none/],
    ['# only\n', /at least one key/],
    [`a ${key}\n\nb ${key.slice(4)}`, /line 3: expected the key as base64 of 32 bytes/],
    [`a ${key}\nb ${key.replace('=', '')}`, /line 2: expected the key as base64/],
    [`a ${randomBytes(33).toString('base64')}`, /line 1: expected the key as base64/],
    [`a ${key}\na ${keyText()}`, /line 2: expected a key id that no line before it has/],
    [key, /line 1: expected a key id/],
    [`${key} a`, /line 1: expected/],
    [`a ${key} more`, /line 1: expected a key id/],
    [`ä ${key}`, /line 1: expected a key id/],
  ];
  for (const [text, message] of refused) {
    const error = t.throws(() => parseKeys(text, 'the file /keys'), { instanceOf: OperatorError, message }, text);
    t.is(error?.code, 'STORAGE_FAILED');
    t.true(error?.message.includes('the file /keys'));
    t.false(inspect(error, { depth: 10 }).includes(key.slice(4, 20)), 'the key is not told');
  }
});

test('keys show themselves to nobody who prints them', (t) => {
  const text = keyText();
  const ring = parseKeys(`a ${text}`, 'x');
  const hex = Buffer.from(text, 'base64').toString('hex');
  for (const shown of [inspect(ring, { depth: 10, showHidden: true }), JSON.stringify(ring)]) {
    t.false(shown.includes(text.slice(0, 10)) || shown.includes(hex.slice(0, 10)));
  }
});
