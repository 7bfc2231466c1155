// How the texts of options and variables become values. Each refuses with what it expected.
import { InvalidArgumentError } from 'commander';

export function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= minimum) return value;
    throw new InvalidArgumentError(`Expected a whole number of at least ${minimum}.`);
  };
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
}

/** A cluster's name is part of folder names and of Mesos' ids. */
export function clusterName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected 1 to 64 of A-Z a-z 0-9 _ -, beginning with a letter or digit.');
}

/** A Mesos role as Mesos checks it: no whitespace, no leading dash, no `.`, `..` or `*` as a part of its path. */
export function mesosRole(text: string): string {
  const parts = text.split('/');
  const isRole = parts.every((part) => /^[^\s/\\-][^\s/\\]*$/.test(part) && !['.', '..', '*'].includes(part));
  if (text === '*' || isRole) return text;
  throw new InvalidArgumentError('Expected a Mesos role such as cassandra or dept/cassandra, or * for none.');
}

export function httpUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, '');
  throw new InvalidArgumentError('Expected an http or https URL, for example http://10.0.0.7:18080.');
}
