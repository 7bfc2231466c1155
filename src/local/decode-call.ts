import { messageOf } from '../errors.ts';
import type { UnknownMessage } from '../mesos/messages.ts';
import type { Answer } from './http.ts';

/** Decodes a call, or gives the answer to one that cannot be: 400 with the text of Mesos. */
export function decodeCall<T extends { call: { type: string } | UnknownMessage }>(
  api: 'scheduler' | 'executor',
  decode: () => T,
): T | Answer {
  const invalid = `Failed to validate ${api === 'executor' ? 'Executor' : api}::Call`;
  try {
    const decoded = decode();
    if (decoded.call.type !== 'UNKNOWN') return decoded;
    return { status: 400, text: `${invalid}: Expecting 'type' to be present` };
  } catch (error) {
    const missing = /^Expected ('\w+') to be present/.exec(messageOf(error));
    if (!missing) return { status: 400, text: 'Failed to parse body into Call protobuf' };
    return { status: 400, text: `${invalid}: Expecting ${missing[1]} to be present` };
  }
}
