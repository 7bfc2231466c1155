// The one table of errors: what each code means to a REST client, to a shell and to the retry rule.
// `retryable` says that the same act may succeed later without anyone changing anything.
const TABLE = {
  BAD_REQUEST: { status: 400, exitCode: 2, retryable: false },
  NAME_REQUIRED: { status: 400, exitCode: 2, retryable: false },
  NAME_INVALID: { status: 400, exitCode: 2, retryable: false },
  UNAUTHORIZED: { status: 401, exitCode: 2, retryable: false },
  FORBIDDEN: { status: 403, exitCode: 2, retryable: false },
  NOT_FOUND: { status: 404, exitCode: 2, retryable: false },
  NODE_NOT_FOUND: { status: 404, exitCode: 2, retryable: false },
  BACKUP_NOT_FOUND: { status: 404, exitCode: 1, retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, exitCode: 2, retryable: false },
  BODY_TOO_LARGE: { status: 413, exitCode: 2, retryable: false },
  RANGE_NOT_SATISFIABLE: { status: 416, exitCode: 2, retryable: false },
  NODE_AMBIGUOUS: { status: 409, exitCode: 2, retryable: false },
  NAME_TAKEN: { status: 409, exitCode: 1, retryable: false },
  JOB_RUNNING: { status: 409, exitCode: 1, retryable: false },
  JOB_ENDED: { status: 409, exitCode: 1, retryable: false },
  BACKUP_INCOMPLETE: { status: 409, exitCode: 1, retryable: false },
  BACKUP_DAMAGED: { status: 409, exitCode: 1, retryable: false },
  /** Another scheduler works there. */
  LOCATION_LOCKED: { status: 409, exitCode: 1, retryable: true },
  /** They came with a request, and were in the memory of a scheduler that has ended. */
  CREDENTIALS_GONE: { status: 409, exitCode: 1, retryable: false },
  /** The store lets nobody delete it yet. */
  BACKUP_RETAINED: { status: 409, exitCode: 1, retryable: false },
  BACKUP_NEEDED: { status: 409, exitCode: 1, retryable: false },
  TOPOLOGY_MISMATCH: { status: 409, exitCode: 1, retryable: false },
  SCHEMA_MISMATCH: { status: 409, exitCode: 1, retryable: false },
  NOTHING_TO_BACK_UP: { status: 409, exitCode: 1, retryable: false },
  RECORD_MISSING: { status: 409, exitCode: 1, retryable: true },
  ABORTED: { status: 409, exitCode: 1, retryable: false },
  NODE_REPLACED: { status: 409, exitCode: 1, retryable: false },
  NODE_STOPPED: { status: 409, exitCode: 1, retryable: false },
  SCHEDULER_UNREACHABLE: { status: 503, exitCode: 1, retryable: true },
  NODE_DOWN: { status: 503, exitCode: 1, retryable: true },
  MESOS_UNAVAILABLE: { status: 503, exitCode: 1, retryable: true },
  FRAMEWORK_REMOVED: { status: 502, exitCode: 3, retryable: false },
  MESOS_REFUSED: { status: 502, exitCode: 1, retryable: false },
  CASSANDRA_UNAVAILABLE: { status: 503, exitCode: 1, retryable: true },
  CASSANDRA_ERROR: { status: 500, exitCode: 1, retryable: true },
  TASK_LOST: { status: 503, exitCode: 1, retryable: true },
  TIMEOUT: { status: 504, exitCode: 1, retryable: true },
  SNAPSHOT_FAILED: { status: 500, exitCode: 1, retryable: true },
  SSTABLE_CORRUPT: { status: 500, exitCode: 1, retryable: false },
  LOAD_FAILED: { status: 500, exitCode: 1, retryable: true },
  NO_SPACE: { status: 507, exitCode: 1, retryable: false },
  /** A store that cannot be reached, or is busy, after all tries. */
  STORAGE_UNAVAILABLE: { status: 503, exitCode: 1, retryable: true },
  /** The store's clock and the host's are too far apart. */
  CLOCK_SKEW: { status: 500, exitCode: 1, retryable: false },
  STORAGE_FAILED: { status: 500, exitCode: 1, retryable: false },
  INTERNAL: { status: 500, exitCode: 1, retryable: false },
} as const satisfies Record<string, { status: number; exitCode: number; retryable: boolean }>;

export type ErrorCode = keyof typeof TABLE;

/** An error that a user is meant to read: what was expected, what came, and in `hint` what to do. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** Facts that a REST answer carries beside the error, for example the job that is already running. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; hint?: string; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }

  /** HTTP status that the API answers with. */
  get status(): number {
    return TABLE[this.code].status;
  }

  /** Exit code of a command that ends with this error. */
  get exitCode(): number {
    return TABLE[this.code].exitCode;
  }

  get retryable(): boolean {
    return TABLE[this.code].retryable;
  }
}

/** False for codes that a newer executor or scheduler made up. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(TABLE, code);
}

/** True when a step that ended with `code` may be tried again. Codes from a newer executor count as final. */
export function isRetryable(code: string): boolean {
  return isErrorCode(code) && TABLE[code].retryable;
}

/** Names of system errors that mean "no room left": disk full, quota, file too large. */
const NO_SPACE_ERRNO = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * Wraps whatever was thrown with the operation that failed. An OperatorError keeps its code, so that
 * whether a retry makes sense survives the wrapping; `hint` is for what brings none.
 */
export function wrapError(
  operation: string,
  error: unknown,
  fallback: ErrorCode = 'INTERNAL',
  hint?: string,
): OperatorError {
  const message = `${operation}: ${messageOf(error)}`;
  if (error instanceof OperatorError) {
    return new OperatorError(error.code, message, {
      cause: error,
      details: error.details,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
  const errno = (error as { code?: unknown } | null)?.code;
  const code = typeof errno === 'string' && NO_SPACE_ERRNO.has(errno) ? 'NO_SPACE' : fallback;
  return new OperatorError(code, message, { cause: error, ...(hint === undefined ? {} : { hint }) });
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
