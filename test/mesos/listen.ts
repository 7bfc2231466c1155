import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Logger } from '../../src/log.ts';
import { Inbox } from './loopback-peer.ts';

/** What is logged, line by line. */
export function listen(): { log: Logger; lines: Inbox<string> } {
  const lines = new Inbox<string>();
  const log = pino(
    new Writable({
      write(chunk, _encoding, done) {
        lines.put(String(chunk));
        done();
      },
    }),
  );
  return { log, lines };
}
