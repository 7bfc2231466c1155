import { ShortRead } from '../objects/watch.ts';

/** The connection ended before the answer did. */
export class ConnectionBroke extends ShortRead {
  readonly code = 'ECONNRESET';
}

/** What came is no answer of HTTP/1.1. `code` is one of Node's own parser for the same, so that both are told alike. */
export class GarbledAnswer extends Error {
  readonly code: string;

  constructor(code: 'HPE_INVALID_CONSTANT' | 'HPE_HEADER_OVERFLOW' | 'HPE_INVALID_ANSWER', message: string) {
    super(`Parse Error: ${message}`);
    this.code = code;
  }
}

/** Nothing has come, or could be sent, for too long. */
export function timedOut(): Error {
  return Object.assign(new Error('it did not answer in time'), { code: 'ETIMEDOUT' });
}
