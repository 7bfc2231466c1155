import { GarbledAnswer } from './broken.ts';

/** The head of an answer, as HTTP/1.1 has it (RFC 9112). */
export interface AnswerHead {
  status: number;
  /** By names in lower case; of several of one name all, with commas between. */
  headers: Record<string, string>;
  /** The connection may serve again when the answer has ended. */
  isKept: boolean;
}

/** How long a body is: bytes, by chunks, or up to the end of the connection. */
export type Framing = number | 'chunked' | 'until closed';

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
/** A token; no white space before the colon, and no line that goes on with the one before. */
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;
// oxlint-disable-next-line no-control-regex -- these are what must not be there
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

/** Reads a head without the empty line at its end. Throws GarbledAnswer. */
export function parseHead(text: string): AnswerHead {
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, status] = STATUS_LINE.exec(first) ?? [];
  if (status === undefined) throw new GarbledAnswer('HPE_INVALID_CONSTANT', 'expected an answer of HTTP/1.1');
  // Without a prototype: a header may have any name.
  const headers = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    const [, name = '', value = ''] = HEADER_LINE.exec(line) ?? [];
    if (name === '' || CONTROL.test(value)) {
      throw new GarbledAnswer('HPE_INVALID_ANSWER', 'the head of the answer has a line that is no header');
    }
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  const connection = optionsOf(headers['connection']);
  const isKept = minor === '1' ? !connection.includes('close') : connection.includes('keep-alive');
  // Of a length and chunks at once one is wrong, and what follows may be somebody else's (RFC 9112, 6.1).
  const isDoubtful = 'transfer-encoding' in headers && 'content-length' in headers;
  return { status: Number(status), headers, isKept: isKept && !isDoubtful };
}

/** How long the body is that follows a head (RFC 9112, 6.3). `method`: of the request. Throws GarbledAnswer. */
export function framingOf(method: string, { status, headers }: AnswerHead): Framing {
  if (method === 'HEAD' || status === 204 || status === 304) return 0;
  const coding = optionsOf(headers['transfer-encoding']);
  if (coding.length > 0) {
    if (coding.join() === 'chunked') return 'chunked';
    throw new GarbledAnswer(
      'HPE_INVALID_ANSWER',
      `expected the answer as it is or in chunks, got ${coding.join(', ')}`,
    );
  }
  const lengths = new Set(optionsOf(headers['content-length']));
  const [length] = lengths;
  if (length === undefined) return 'until closed';
  if (lengths.size > 1 || !/^\d{1,15}$/.test(length)) {
    throw new GarbledAnswer('HPE_INVALID_ANSWER', 'the answer does not say how long it is, but something else');
  }
  return Number(length);
}

function optionsOf(value = ''): string[] {
  return value
    .split(',')
    .map((option) => option.trim().toLowerCase())
    .filter((option) => option !== '');
}
