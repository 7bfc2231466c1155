import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { encodeRecord, RecordDecoder } from '../../src/mesos/record-io.ts';
import { messageBytes, readRecording, recordBytes } from './recorded.ts';

const events = readRecording('01-scheduler.jsonl').filter(({ kind }) => kind === 'stream-event');
const messages = events.map((line) => Uint8Array.from(messageBytes(line)));

test('a message is framed as Mesos frames it', (t) => {
  for (const line of events) t.deepEqual(Buffer.from(encodeRecord(messageBytes(line))), recordBytes(line));
});

test('a whole recorded stream is read from a single chunk and byte by byte', (t) => {
  const stream = Buffer.concat(events.map(recordBytes));
  t.deepEqual(new RecordDecoder().push(stream), messages);
  const decoder = new RecordDecoder();
  t.deepEqual(
    [...stream].flatMap((byte) => decoder.push(Uint8Array.of(byte))),
    messages,
  );
});

test('a stream cut in two anywhere gives the same records', (t) => {
  const stream = Buffer.concat(events.slice(0, 6).map(recordBytes));
  for (let at = 0; at <= stream.length; at += 1) {
    const decoder = new RecordDecoder();
    const records = [...decoder.push(stream.subarray(0, at)), ...decoder.push(stream.subarray(at))];
    t.deepEqual(records, messages.slice(0, 6), `cut at ${at}`);
  }
});

test('an empty record is a record', (t) => {
  t.deepEqual(new RecordDecoder().push(Buffer.from('0\n1\na')), [Uint8Array.of(), Uint8Array.of(0x61)]);
});

test('records do not change when the chunk is used again', (t) => {
  const chunk = Buffer.from('2\nab');
  const [record] = new RecordDecoder().push(chunk);
  chunk.fill(0);
  t.deepEqual(record, Uint8Array.of(0x61, 0x62));
});

test('what is no length, or one beyond the bound, is refused at once', (t) => {
  const refused = (text: string): string => {
    const error = t.throws(() => new RecordDecoder(1000).push(Buffer.from(text)), { instanceOf: OperatorError });
    t.is(error.code, 'BAD_REQUEST');
    return error.message;
  };
  t.is(refused('HTTP/1.1 200 OK'), 'Expected the length of a record in decimal digits, got "H"');
  t.is(refused('\nabc'), 'Expected the length of a record in decimal digits, got "\\n"');
  t.is(refused('-1\n'), 'Expected the length of a record in decimal digits, got "-"');
  t.is(refused('1001\n'), 'Expected a record of at most 1000 bytes, got a length that begins with 1001');
  t.regex(refused('0'.repeat(30)), /at most 1000 bytes/);
  t.deepEqual(new RecordDecoder(1000).push(Buffer.from('1000\n')), []);
});
