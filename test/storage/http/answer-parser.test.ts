import test from 'ava';
import { array, assert, integer, property, uint8Array } from 'fast-check';
import type { AnswerHead } from '../../../src/storage/http/answer-head.ts';
import { AnswerParser } from '../../../src/storage/http/answer-parser.ts';

interface Parsed {
  status: number;
  headers: Record<string, string>;
  body: string;
  hasEnded: boolean;
}

interface How {
  method?: string;
  /** Where the body is wanted. */
  into?: Buffer;
}

/** What a parser makes of an answer that comes in these pieces; what fits into memory is placed there without it. */
function parse(pieces: Buffer[], { method = 'GET', into }: How = {}): Parsed {
  let head: AnswerHead | null = null;
  const chunks: Buffer[] = [];
  let length = 0;
  const parser = new AnswerParser(method, {
    head: (told, bytes) => {
      head = told;
      length = bytes ?? 0;
      return into === undefined || bytes === null || bytes > into.length ? null : into.subarray(0, bytes);
    },
    data: (bytes) => void chunks.push(Buffer.from(bytes)),
    end: () => undefined,
  });
  for (const piece of pieces) {
    for (let rest = piece; rest.length > 0;) {
      const { place } = parser;
      if (place === null) {
        parser.push(rest);
        break;
      }
      const placed = rest.copy(place);
      parser.placed(placed);
      rest = rest.subarray(placed);
    }
  }
  if (!parser.hasEnded) parser.close();
  const { status, headers } = head!;
  const body = chunks.length > 0 || into === undefined ? Buffer.concat(chunks) : into.subarray(0, length);
  return { status, headers: { ...headers }, body: body.toString('latin1'), hasEnded: parser.hasEnded };
}

const lines = (...texts: string[]): Buffer => Buffer.from(texts.join('\r\n'), 'latin1');

/** Each with what it is. */
const ANSWERS: [title: string, answer: Buffer, body: string, method?: string][] = [
  ['that says how long it is', lines('HTTP/1.1 200 OK', 'Content-Length: 5', '', 'bytes'), 'bytes'],
  ['that is empty', lines('HTTP/1.1 200 OK', 'content-length:0', '', ''), ''],
  ['that ends with its connection', lines('HTTP/1.0 200 OK', '', 'bytes'), 'bytes'],
  ['in chunks', lines('HTTP/1.1 200', 'Transfer-Encoding: chunked', '', '3', 'byt', '2', 'es', '0', '', ''), 'bytes'],
  [
    'in chunks with extensions and trailers',
    lines('HTTP/1.1 200 OK', 'transfer-encoding: Chunked', '', '05;a="b"', 'by\r\ns', '0 ;x', 'sum: 1', 'b: 2', '', ''),
    'by\r\ns',
  ],
  ['without a body, as 204 is', lines('HTTP/1.1 204 No Content', 'content-length: 9', '', ''), ''],
  ['without a body, as 304 is', lines('HTTP/1.1 304 Not Modified', '', ''), ''],
  ['to HEAD', lines('HTTP/1.1 200 OK', 'content-length: 9', '', ''), '', 'HEAD'],
  [
    'behind one that is informational',
    lines(
      'HTTP/1.1 100 Continue',
      '',
      'HTTP/1.1 103 Early',
      'a: b',
      '',
      'HTTP/1.1 200 OK',
      'content-length: 1',
      '',
      'x',
    ),
    'x',
  ],
];

for (const [title, answer, body, method = 'GET'] of ANSWERS) {
  test(`an answer ${title} is the same wherever it is cut into pieces`, (t) => {
    const whole = parse([answer], { method });
    t.is(whole.body, body);
    t.true(whole.hasEnded);
    for (let first = 1; first < answer.length; first += 1) {
      const pieces = [answer.subarray(0, first), answer.subarray(first)];
      t.deepEqual(parse(pieces, { method }), whole, `cut at ${first}`);
      t.deepEqual(parse(pieces, { method, into: Buffer.alloc(5) }), whole, `cut at ${first}, into memory`);
    }
    t.deepEqual(
      parse(
        Array.from(answer, (_, at) => answer.subarray(at, at + 1)),
        { method },
      ),
      whole,
    );
  });
}

test('a body of any bytes in chunks of any size comes as it was, in pieces of any size', (t) => {
  const contents = array(uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 });
  const sizes = array(integer({ min: 1, max: 100 }), { minLength: 1 });
  assert(
    property(contents, sizes, (chunks, cuts) => {
      const framed = chunks.flatMap((chunk) => [`${chunk.length.toString(16)}\r\n`, chunk, '\r\n']);
      const parts = ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', ...framed, '0\r\n\r\n'];
      const answer = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
      const pieces: Buffer[] = [];
      for (let at = 0, nth = 0; at < answer.length; nth += 1) {
        const end = at + cuts[nth % cuts.length]!;
        pieces.push(answer.subarray(at, end));
        at = end;
      }
      t.is(parse(pieces).body, Buffer.concat(chunks).toString('latin1'));
    }),
  );
});

test('headers are told by names in lower case, without the white space around them, those of one name together', (t) => {
  const answer = lines(
    'HTTP/1.1 206 X',
    'ETag: "a"',
    'X-A:  1 ',
    '__proto__: own',
    'x-a:\t2',
    'empty:',
    'content-length: 0',
    '',
    '',
  );
  const { status, headers } = parse([answer]);
  t.is(status, 206);
  t.deepEqual(
    Object.entries(headers).map((entry) => entry.join('=')),
    ['etag="a"', 'x-a=1, 2', '__proto__=own', 'empty=', 'content-length=0'],
  );
});

const OK = 'HTTP/1.1 200 OK';
const CHUNKED = 'transfer-encoding: chunked';
const LONG = 'x'.repeat(17 * 1024);

for (const [title, code, answer] of [
  ['an other protocol', 'HPE_INVALID_CONSTANT', '220 mail\r\n'],
  ['an other version', 'HPE_INVALID_CONSTANT', lines('HTTP/2.0 200 OK', '', '')],
  ['a status that is none', 'HPE_INVALID_CONSTANT', lines('HTTP/1.1 2000 OK', '', '')],
  ['an alert of TLS', 'HPE_INVALID_CONSTANT', '\x15\x03\x03\x00\x02\x02\x46'],
  ['a line that is no header', 'HPE_INVALID_ANSWER', lines(OK, 'no colon', '', '')],
  ['a header that is folded', 'HPE_INVALID_ANSWER', lines(OK, 'a: b', ' c', '', '')],
  ['a space before the colon', 'HPE_INVALID_ANSWER', lines(OK, 'content-length : 3', '', 'abc')],
  ['a line end that is half of one', 'HPE_INVALID_ANSWER', lines(OK, 'a: b\nc: d', '', '')],
  ['a length that is no number', 'HPE_INVALID_ANSWER', lines(OK, 'content-length: -3', '', '')],
  ['two lengths', 'HPE_INVALID_ANSWER', lines(OK, 'content-length: 3', 'content-length: 4', '', 'abcd')],
  ['a coding that was not asked for', 'HPE_INVALID_ANSWER', lines(OK, 'transfer-encoding: gzip, chunked', '', '')],
  ['a size of a chunk that is none', 'HPE_INVALID_ANSWER', lines(OK, CHUNKED, '', '0x3', 'abc')],
  ['a chunk that is longer than it says', 'HPE_INVALID_ANSWER', lines(OK, CHUNKED, '', '2', 'abc', '')],
  ['a head without an end', 'HPE_HEADER_OVERFLOW', lines(OK, `a: ${LONG}`)],
  ['a head that is too long', 'HPE_HEADER_OVERFLOW', lines(OK, `a: ${LONG}`, '', '')],
  ['a line of a chunk without an end', 'HPE_HEADER_OVERFLOW', lines(OK, CHUNKED, '', `3;${LONG}`)],
] as const) {
  test(`what comes with ${title} is refused, in one piece and byte by byte`, (t) => {
    const bytes = Buffer.from(answer as string, 'latin1');
    t.throws(() => parse([bytes]), { code });
    t.throws(() => parse(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))), { code });
  });
}

test('more than an answer is refused: it may be the answer to another request', (t) => {
  t.throws(() => parse([lines(OK, 'content-length: 3', '', 'abcHTTP')]), { code: 'HPE_INVALID_ANSWER' });
});

test('an answer that is cut anywhere is never taken for a whole one', (t) => {
  for (const [title, answer, , method = 'GET'] of ANSWERS) {
    if (title === 'that ends with its connection') continue;
    for (let end = 0; end < answer.length; end += 1) {
      t.throws(() => parse([answer.subarray(0, end)], { method }), { code: 'ECONNRESET' }, `${title}, ${end} bytes`);
    }
  }
});

test('a connection serves again unless the answer says otherwise, or says two things of its length', (t) => {
  for (const [isKept, ...head] of [
    [true, OK],
    [false, OK, 'connection: Close'],
    [false, OK, 'connection: x, close'],
    [false, 'HTTP/1.0 200 OK'],
    [true, 'HTTP/1.0 200 OK', 'connection: Keep-Alive'],
    [false, OK, CHUNKED],
  ] as [boolean, ...string[]][]) {
    let told: unknown = null;
    const sink = {
      head: (found: AnswerHead) => {
        told = found.isKept;
        return null;
      },
      data: () => undefined,
      end: () => undefined,
    };
    new AnswerParser('GET', sink).push(lines(...head, 'content-length: 0', '', ''));
    t.is(told, isKept, head.join(', '));
  }
});
