// The one file that knows protobufjs: loads our .proto files by reflection and turns messages into plain objects.
import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import { wrapError } from '../errors.ts';

const FILES = [
  'mesos/v1/mesos.proto',
  'mesos/v1/scheduler.proto',
  'mesos/v1/executor.proto',
  'cassandra/v1/node.proto',
] as const;

/** A message as plain object: int64 are numbers, bytes are copies, enums their names, absent fields absent. */
export type Plain = Record<string, unknown>;

export interface Codec {
  /** Throws INTERNAL when a value does not fit its field. */
  encode(value: object): Uint8Array;
  /** Repeated fields are always arrays. Throws BAD_REQUEST on bytes that are not this message. */
  decode(bytes: Uint8Array): Plain;
  /** True when the message has a field of this (camelCase) name. */
  has(field: string): boolean;
}

const root = loadRoot();

/** The codec of one message, by its full name, for example `mesos.v1.ExecutorInfo`. */
export function codec(name: string): Codec {
  const type = root.lookupType(name);
  return {
    encode(value) {
      try {
        return Uint8Array.from(type.encode(type.fromObject(value)).finish());
      } catch (error) {
        throw wrapError(`encode ${name}`, error);
      }
    },
    decode(bytes) {
      try {
        return toPlain(type, type.decode(bytes));
      } catch (error) {
        throw wrapError(`decode ${name}`, error, 'BAD_REQUEST');
      }
    },
    has: (field) => Object.hasOwn(type.fields, field),
  };
}

function loadRoot(): protobuf.Root {
  const loaded = new protobuf.Root();
  for (const file of FILES) {
    protobuf.parse(readFileSync(new URL(`../../proto/${file}`, import.meta.url), 'utf8'), loaded);
  }
  openEnums(loaded);
  loaded.resolveAll();
  return loaded;
}

/**
 * proto2 drops an enum value that it does not know, and a required field that is dropped spoils its message.
 * A newer Mesos may well send one, so they are kept, as numbers.
 */
function openEnums(namespace: protobuf.NamespaceBase): void {
  for (const member of namespace.nestedArray) {
    if (member instanceof protobuf.Enum) member.setOption('features', { enum_type: 'OPEN' });
    else if (member instanceof protobuf.Namespace) openEnums(member);
  }
}

function toPlain(type: protobuf.Type, message: protobuf.Message): Plain {
  const values = message as unknown as Plain;
  const plain: Plain = {};
  for (const field of type.fieldsArray) {
    const value = values[field.name];
    if (field.repeated) plain[field.name] = (value as unknown[]).map((item) => plainValue(field, item));
    else if (Object.hasOwn(values, field.name) || !field.hasPresence) plain[field.name] = plainValue(field, value);
  }
  return plain;
}

function plainValue(field: protobuf.Field, value: unknown): unknown {
  const type = field.resolvedType;
  if (type instanceof protobuf.Type) return toPlain(type, value as protobuf.Message);
  if (type instanceof protobuf.Enum) return type.valuesById[value as number] ?? String(value);
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  // protobufjs reads 64 bit as Long when that is installed; it comes with the Cassandra driver.
  return typeof value === 'object' ? (value as { toNumber(): number }).toNumber() : value;
}
