import { EventEmitter, once } from 'node:events';
import { pino, type Logger } from 'pino';

/** A logger, and the lines that it really writes. */
export function logLines(): {
  log: Logger;
  lines: Record<string, unknown>[];
  /** The first line with the message, as soon as it is written. */
  said: (msg: string) => Promise<Record<string, unknown>>;
} {
  const lines: Record<string, unknown>[] = [];
  const news = new EventEmitter();
  const write = (line: string): void => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
    news.emit('line');
  };
  const said = async (msg: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const line = lines.find((each) => each['msg'] === msg);
      if (line) return line;
      await once(news, 'line');
    }
  };
  return { log: pino({ level: 'trace' }, { write }), lines, said };
}
