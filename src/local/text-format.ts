// protobuf's text format, in which Mesos quotes messages in its own.

/** Fields that hold an enum's name, which stands there without quotes. */
const ENUM_FIELDS = new Set(['type', 'mode']);

/** One field a line, proto names, two blanks a level. Absent fields and empty lists do not appear. */
export function textFormat(message: object, indent = ''): string {
  return Object.entries(message)
    .flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((item: unknown) => ({ name, item })))
    .filter(({ item }) => item !== undefined)
    .map(({ name, item }) => `${indent}${snakeCase(name)}${textValue(name, item, indent)}\n`)
    .join('');
}

function textValue(name: string, value: unknown, indent: string): string {
  if (value instanceof Uint8Array) return `: ${JSON.stringify(Buffer.from(value).toString('latin1'))}`;
  if (typeof value === 'object' && value !== null) return ` {\n${textFormat(value, `${indent}  `)}${indent}}`;
  return `: ${typeof value === 'string' && !ENUM_FIELDS.has(name) ? JSON.stringify(value) : String(value)}`;
}

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
