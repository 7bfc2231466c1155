import type { SchemaStatement } from './schema.ts';

/** A piece of CQL text: inside quotes or a comment nothing has a meaning. */
interface Piece {
  kind: 'code' | 'quoted' | 'comment';
  text: string;
}

/** 'it''s', "a ""name""", $$a body$$, -- or // to the end of the line, a comment between slash and star; else code. */
const PIECES = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$\$[\s\S]*?\$\$|--[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/|[^'"$\-/]+|[\s\S]/g;

/** Splits a script into its statements, each without its final semicolon. Empty ones and comments at their ends go. */
export function splitStatements(cql: string): string[] {
  const statements: string[] = [];
  let current: Piece[] = [];
  const end = () => {
    const text = join(trimComments(current)).trim();
    if (text !== '') statements.push(text);
    current = [];
  };
  for (const piece of piecesOf(cql)) {
    if (piece.kind !== 'code') {
      current.push(piece);
      continue;
    }
    const [first = '', ...rest] = piece.text.split(';');
    current.push({ kind: 'code', text: first });
    for (const text of rest) {
      end();
      current.push({ kind: 'code', text });
    }
  }
  end();
  return statements;
}

/**
 * Takes the table id out of a DESCRIBE … WITH INTERNALS statement. A table that is made again must have a new one: under
 * the old, mutations that are still in a commit log or a hint would come back into it.
 */
export function withoutTableId(statement: string): string {
  let done = false;
  const pieces = piecesOf(statement).map((piece) => {
    if (done || piece.kind !== 'code') return piece;
    const text = piece.text.replace(/\bWITH\s+ID\s*=\s*[0-9a-f-]{36}(\s+AND\b|)/i, (_, and: string) => {
      done = true;
      return and === '' ? '' : 'WITH';
    });
    return { ...piece, text };
  });
  return join(pieces);
}

/** All types of statements. Each can be made once those before it are there. */
export const SCHEMA_TYPES: readonly SchemaStatement['type'][] = [
  'keyspace',
  'type',
  'function',
  'aggregate',
  'table',
  'index',
  'materialized_view',
  'trigger',
];

/** Keyspace by keyspace in the order in which they can be made; Cassandra's own order within a type is kept. */
export function sortStatements(statements: SchemaStatement[]): SchemaStatement[] {
  const keyspaces = [...new Set(statements.map((statement) => statement.keyspace))];
  return keyspaces.flatMap((keyspace) =>
    SCHEMA_TYPES.flatMap((type) => statements.filter((entry) => entry.keyspace === keyspace && entry.type === type)),
  );
}

function piecesOf(cql: string): Piece[] {
  const pieces: Piece[] = [];
  for (const [text] of cql.matchAll(PIECES)) {
    const kind = kindOf(text);
    const last = pieces.at(-1);
    if (kind === 'code' && last?.kind === 'code') last.text += text;
    else pieces.push({ kind, text });
  }
  return pieces;
}

function kindOf(text: string): Piece['kind'] {
  if (/^(?:--|\/\/|\/\*)/.test(text)) return 'comment';
  return text.length > 1 && /^(?:'|"|\$\$)/.test(text) ? 'quoted' : 'code';
}

/** Comments before the first and after the last code belong to no statement. */
function trimComments(pieces: Piece[]): Piece[] {
  const matters = (piece: Piece) => piece.kind === 'quoted' || (piece.kind === 'code' && piece.text.trim() !== '');
  return pieces.slice(Math.max(0, pieces.findIndex(matters)), pieces.findLastIndex(matters) + 1);
}

function join(pieces: Piece[]): string {
  return pieces.map((piece) => piece.text).join('');
}
