import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { parseBandwidth, readBandwidth } from '../../src/model/pace.ts';

const READ: [unknown, number][] = [
  ['50MB/s', 50_000_000],
  ['50MB', 50_000_000],
  ['50 MB/s', 50_000_000],
  ['1kB/s', 1000],
  ['1KB', 1000],
  ['1KiB/s', 1024],
  ['20MiB/s', 20_971_520],
  ['1.5GB/s', 1_500_000_000],
  ['2GiB', 2_147_483_648],
  ['1000', 1000],
  ['4096B/s', 4096],
  [123_456, 123_456],
];

for (const [text, rate] of READ) {
  test(`${JSON.stringify(text)} is ${rate} bytes per second`, (t) => t.is(parseBandwidth(text), rate));
}

const REFUSED = [
  '',
  '50',
  '999B/s',
  '0',
  '-5MB/s',
  '5mb/s',
  '5Mb/s',
  '5M',
  'MB',
  '5MB/min',
  '5MBps',
  '1e9',
  '5 TB/s',
  'none',
];

for (const text of [...REFUSED, 999, 1.5, Number.NaN, 1e300, null, undefined, true, {}]) {
  test(`${JSON.stringify(text)} (${typeof text}) is no bandwidth`, (t) => {
    t.is(readBandwidth(text), null);
    const error = t.throws(() => parseBandwidth(text), { instanceOf: OperatorError });
    t.is(error.code, 'BAD_REQUEST');
    t.regex(error.message, /Expected bytes per second such as 50MB\/s/);
  });
}
