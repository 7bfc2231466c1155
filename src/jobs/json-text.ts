/** JSON that stays as it is, and its text once that was asked for. */
const texts = new WeakMap<object, string | null>();

/** Marks a part that is shown again and again and never changed, so that its text is made once. */
export function lasting<T extends object>(json: T): T {
  texts.set(json, null);
  return json;
}

/**
 * As JSON.stringify, of values without methods of their own. A job of thousands of nodes is asked for all the time, and few of
 * its parts are new.
 */
export function jsonText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const known = texts.get(value);
  if (known) return known;
  if (known === null) {
    const text = JSON.stringify(value);
    texts.set(value, text);
    return text;
  }
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${jsonText(field)}`).join(',')}}`;
}
