import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A text as it is, and as it looks in base64 wherever it begins there. */
function formsOf(text: string): Buffer[] {
  const inBase64 = [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
    // Without what the bytes around it have a part in.
    const whole = bytes.subarray(0, bytes.length - (bytes.length % 3));
    return whole.toString('base64').slice(before === 0 ? 0 : 4);
  });
  return [text, ...inBase64].map((form) => Buffer.from(form));
}

function has(bytes: Buffer, forms: Buffer[]): boolean {
  return forms.some((form) => bytes.includes(form));
}

/** What has gone meanwhile holds nothing. */
function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return Buffer.alloc(0);
    throw error;
  }
}

/** Paths of all files below the directory that hold the text. */
export function filesWith(below: string, text: string): string[] {
  const forms = formsOf(text);
  return readdirSync(below, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => has(read(path), forms));
}

/** Command lines and environments of this machine's processes that hold the text. */
export function processesWith(text: string): string[] {
  const forms = formsOf(text);
  return globSync('/proc/[0-9]*/{cmdline,environ}').filter((path) => has(read(path), forms));
}

export function hasText(answer: string, text: string): boolean {
  return has(Buffer.from(answer), formsOf(text));
}
