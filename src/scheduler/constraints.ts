import { OperatorError } from '../errors.ts';
import type { ClusterNode } from '../model/node.ts';
import type { Constraint } from './settings.ts';

/** What constraints speak of: `hostname`, `@region`, `@zone`, and the agent's text and scalar attributes. */
export type Facts = Readonly<Record<string, string>>;

type Operator = Constraint['operator'];

/** The value that each operator takes: none, one that may be left out, or one that must be there. */
const VALUES: Record<Operator, 'none' | 'optional' | 'required'> = {
  UNIQUE: 'none',
  CLUSTER: 'optional',
  GROUP_BY: 'optional',
  LIKE: 'required',
  UNLIKE: 'required',
  MAX_PER: 'required',
  IS: 'required',
};

const EXAMPLES = 'For example hostname:UNLIKE:db-.*, rack:GROUP_BY:3, @zone:CLUSTER:a, rack:MAX_PER:2.';

/**
 * A constraint in Marathon's form, `field:OPERATOR[:value]`; the value may hold colons. Throws BAD_REQUEST with what
 * was expected.
 */
export function parseConstraint(text: string): Constraint {
  const [, field = '', operator = '', value = null] = /^([^:]*):([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  if (field === '' || !isOperator(operator)) {
    throw wrong(`Expected a constraint field:OPERATOR[:value] with one of ${Object.keys(VALUES).join(', ')}`, text);
  }
  if (VALUES[operator] === 'none' && value !== null) throw wrong(`Expected no value after ${operator}`, text);
  if (VALUES[operator] === 'required' && !value) throw wrong(`Expected a value after ${operator}`, text);
  if (value === '') throw wrong(`Expected a value after the colon of ${operator}, or no colon`, text);
  const counts = operator === 'MAX_PER' || operator === 'GROUP_BY';
  if (counts && value !== null && !/^[1-9]\d*$/.test(value)) {
    throw wrong(`Expected a whole number of at least 1 after ${operator}`, text);
  }
  if ((operator === 'LIKE' || operator === 'UNLIKE') && !isPattern(value ?? '')) {
    throw wrong(`Expected a regular expression after ${operator}`, text);
  }
  return { field: field === '@hostname' ? 'hostname' : field, operator, value };
}

function isOperator(text: string): text is Operator {
  return Object.hasOwn(VALUES, text);
}

function isPattern(text: string): boolean {
  try {
    return wholePattern(text) instanceof RegExp;
  } catch {
    return false;
  }
}

function wrong(expected: string, text: string): OperatorError {
  return new OperatorError('BAD_REQUEST', `${expected}, got ${JSON.stringify(text)}`, { hint: EXAMPLES });
}

/** The same facts of a node, as they were at its last launch. */
export function factsOfNode(node: ClusterNode): Facts {
  return { ...node.attributes, ...(node.hostname === null ? {} : { hostname: node.hostname }) };
}

/**
 * Why a new node must not go where these facts hold; null when it may. `placed`: the facts of the ring's other
 * nodes. Marathon's rules: an agent without the attribute breaks every constraint but UNLIKE.
 */
export function violated(constraint: Constraint, facts: Facts, placed: readonly Facts[]): string | null {
  const { field, operator, value } = constraint;
  const here = facts[field];
  if (here === undefined) return operator === 'UNLIKE' ? null : `${shown(constraint)}: the agent has no ${field}`;
  if (RULES[operator](here, value ?? '', countsOf(field, placed))) return null;
  return `${shown(constraint)}: not with ${field} ${here}`;
}

/** `counts`: how many nodes there are by the field's value. */
type Rule = (here: string, value: string, counts: Map<string, number>) => boolean;

const RULES: Record<Operator, Rule> = {
  UNIQUE: (here, _value, counts) => !counts.has(here),
  CLUSTER: (here, value, counts) =>
    (value === '' || value === here) && [...counts.keys()].every((other) => other === here),
  GROUP_BY: (here, value, counts) => isSmallestGroup(here, counts, Number(value || 1)),
  MAX_PER: (here, value, counts) => (counts.get(here) ?? 0) < Number(value),
  LIKE: (here, value) => wholePattern(value).test(here),
  UNLIKE: (here, value) => !wholePattern(value).test(here),
  IS: (here, value) => here === value || isSameNumber(here, value),
};

/** New groups are always welcome; the smallest one takes another node once there are as many as were asked for. */
function isSmallestGroup(here: string, counts: Map<string, number>, groups: number): boolean {
  const mine = counts.get(here);
  return mine === undefined || (counts.size >= groups && mine === Math.min(...counts.values()));
}

function countsOf(field: string, placed: readonly Facts[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { [field]: value } of placed) if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Java's `matches`, as Marathon uses it: the whole text. */
function wholePattern(text: string): RegExp {
  return new RegExp(`^(?:${text})$`, 's');
}

/** Scalars of Mesos have three decimals: `2` is `2.000`. */
function isSameNumber(left: string, right: string): boolean {
  return right.trim() !== '' && Math.abs(Number(left) - Number(right)) < 0.0005;
}

function shown({ field, operator, value }: Constraint): string {
  return [field, operator, ...(value === null ? [] : [value])].join(':');
}
