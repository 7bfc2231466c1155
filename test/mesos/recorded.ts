// What a real Mesos 1.12 said to a minimal client: see recorded/README.md.
import { readdirSync, readFileSync } from 'node:fs';

export interface Line {
  n: number;
  kind:
    'stream-open' | 'stream-event' | 'stream-end' | 'call' | 'environment' | 'note' | 'zookeeper' | 'subscribe-failed';
  name?: string;
  /** stream-event: base64 of `<length>\n<message>`. */
  record?: string;
  decoded?: Decoded | null;
  request?: { headers: Record<string, string>; body: string; decoded: Decoded | null };
  response?: { status: number; headers: Record<string, string>; body?: string };
  env?: Record<string, string>;
  /** zookeeper: contents of the znodes by name. */
  data?: Record<string, string>;
}

/** A message as JSON with the names of Mesos's .proto files. */
export type Decoded = Record<string, unknown> & { type: string };

const FOLDER = new URL('./recorded/', import.meta.url);

/** The files' names; those of executors contain `-executor`. */
export const recordings: string[] = readdirSync(FOLDER).filter((name) => name.endsWith('.jsonl'));

export function readRecording(file: string): Line[] {
  const text = readFileSync(new URL(file, FOLDER), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

/** Line `n` of a file. */
export function recordedLine(file: string, n: number): Line {
  const line = readRecording(file).find((candidate) => candidate.n === n);
  if (line === undefined) throw new Error(`no line ${n} in ${file}`);
  return line;
}

/** A stream-event's bytes on the wire. */
export function recordBytes(line: Line): Buffer {
  return Buffer.from(line.record ?? '', 'base64');
}

/** A stream-event's message, without its length. */
export function messageBytes(line: Line): Buffer {
  const record = recordBytes(line);
  return record.subarray(record.indexOf('\n') + 1);
}

/** The body of a request. */
export function bodyBytes(line: Line): Buffer {
  return Buffer.from(line.request?.body ?? '', 'base64');
}
