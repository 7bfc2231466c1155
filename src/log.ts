import { pino, type Logger } from 'pino';

export type { Logger };

/** Keys whose values never reach a log line, at any depth up to two. */
const SECRET_KEYS = ['password', 'secret', 'token', 'authorization', 'credentials'];

/** JSON lines on stderr (stdout belongs to the commands). Level: `silent` in tests unless asked for. */
export function createLogger(name: string, level: string): Logger {
  return pino(
    { name, level, redact: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]) },
    pino.destination({ dest: 2, sync: true }),
  );
}
