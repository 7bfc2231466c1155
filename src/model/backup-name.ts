import { OperatorError } from '../errors.ts';

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

/**
 * Checks a backup's name: 1 to 128 of `A-Z a-z 0-9 . _ -`, not starting with a dot, so that it is one
 * folder on every kind of location. Throws NAME_INVALID.
 */
export function checkBackupName(name: string): string {
  if (isBackupName(name)) return name;
  throw new OperatorError(
    'NAME_INVALID',
    `Expected a backup name of 1 to 128 characters from A-Z a-z 0-9 . _ - that does not start with a dot, got ${JSON.stringify(name)}`,
    { hint: 'Choose another name, for example backup-2026-01-31.' },
  );
}

/** True for what checkBackupName takes. */
export function isBackupName(name: string): boolean {
  return NAME.test(name);
}
