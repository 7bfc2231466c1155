/** DDL of a keyspace with one of everything that DESCRIBE knows, columns dropped and added again, and hard names. */
export function richSchema(keyspace: string): string[] {
  const users = `"${keyspace}"."Users"`;
  const people = `"${keyspace}".people`;
  return [
    `CREATE KEYSPACE "${keyspace}" WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    `CREATE TYPE "${keyspace}".zip (code text)`,
    `CREATE TYPE "${keyspace}".address (code frozen<zip>, "Street" text)`,
    `CREATE FUNCTION "${keyspace}".plus (s int, v int) CALLED ON NULL INPUT RETURNS int LANGUAGE java
       AS $$ return s + /* ; */ v; $$`,
    `CREATE AGGREGATE "${keyspace}".total (int) SFUNC plus STYPE int INITCOND 0`,
    `CREATE TABLE ${users} (a int, b int, "Name" text, home frozen<address>, gone text, old text, s int static,
       PRIMARY KEY (a, b)) WITH CLUSTERING ORDER BY (b DESC) AND comment = 'it''s "one"; WITH ID = x'`,
    `CREATE TABLE ${people} (id int PRIMARY KEY, name text)`,
    `CREATE INDEX by_name ON ${users} ("Name")`,
    `CREATE CUSTOM INDEX by_home ON ${users} (home) USING 'sai'`,
    `CREATE MATERIALIZED VIEW "${keyspace}".people_by_name AS SELECT * FROM ${people}
       WHERE name IS NOT NULL AND id IS NOT NULL PRIMARY KEY (name, id)`,
    `ALTER TABLE ${users} DROP gone`,
    `ALTER TABLE ${users} DROP old`,
    `ALTER TABLE ${users} ADD old text`,
  ];
}

/** Type and name of what it makes, in the order of Schema.statements. */
export const RICH_OBJECTS = [
  'type zip',
  'type address',
  'function plus(int, int)',
  'aggregate total(int)',
  'table people',
  'table Users',
  'index by_home',
  'index by_name',
  'materialized_view people_by_name',
];
