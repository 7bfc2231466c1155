import test from 'ava';
import {
  TEMPORARY_PREFIX,
  checkKey,
  deletionKey,
  fileKey,
  manifestKey,
  nodeFolders,
  nodeKey,
  parseDocumentName,
  recordKey,
  recordsPrefix,
  schemaKey,
  verificationKey,
} from '../../src/storage/layout.ts';

const NODE = 'cassandra.dev.node.0.executor';

test('every document and file has its place', (t) => {
  t.is(nodeKey('dev', NODE, 'b-0'), `dev/${NODE}/b-0`);
  t.is(fileKey('dev', NODE, 'b-0', 'ks/t/.i_idx/nb-1-big-Data.db'), `dev/${NODE}/b-0/ks/t/.i_idx/nb-1-big-Data.db`);
  t.is(manifestKey('dev', NODE, 'b-0'), `dev/${NODE}/b-0/manifest.json`);
  t.is(schemaKey('dev', NODE, 'b-0'), `dev/${NODE}/b-0/schema.cql`);
  t.is(recordKey('dev', 'b-0'), 'dev/backups/b-0.json');
});

test('no name or path leaves its folder', (t) => {
  for (const part of ['', '.', '..', 'a/b', '../a', 'a\0', 'a\\b', `${TEMPORARY_PREFIX}1`]) {
    t.throws(() => nodeKey(part, NODE, 'b'), { code: 'BAD_REQUEST' }, `cluster ${part}`);
    t.throws(() => nodeKey('dev', part, 'b'), { code: 'BAD_REQUEST' }, `executor id ${part}`);
    t.throws(() => recordKey(part, 'b'), { code: 'BAD_REQUEST' }, `cluster ${part}`);
    t.throws(() => recordKey('dev', part), {
      code: part.startsWith('.') || !/^[\w.-]+$/.test(part) ? 'NAME_INVALID' : 'BAD_REQUEST',
    });
    t.throws(() => nodeKey('dev', NODE, part), { code: 'NAME_INVALID' }, `name ${part}`);
  }
  for (const path of ['', '/a', 'a/', '../manifest.json', 'ks/../../x', 'ks//t', './a']) {
    t.throws(() => fileKey('dev', NODE, 'b', path), { code: 'BAD_REQUEST' }, path);
  }
});

test('the folder of the records is no node', (t) => {
  t.throws(() => nodeKey('dev', 'backups', 'b'), { code: 'BAD_REQUEST' });
  t.deepEqual(nodeFolders(['backups', NODE]), [NODE]);
});

test('a name that only begins with dots is a key', (t) => {
  t.is(checkKey('...'), '...');
  t.is(checkKey('.idx/..a'), '.idx/..a');
});

test('no name of a backup makes one document of another', (t) => {
  for (const name of ['monday', 'monday.verified', 'monday.deleting', 'monday.json', 'x.json.deleting']) {
    const documents = { record: recordKey, verification: verificationKey, deletion: deletionKey };
    for (const [kind, keyOf] of Object.entries(documents)) {
      const file = keyOf('c', name).slice(recordsPrefix('c').length);
      t.deepEqual(parseDocumentName(file), { kind, name } as ReturnType<typeof parseDocumentName>);
    }
  }
  for (const file of ['readme.txt', '.json', '.hidden.json', 'a b.json']) t.is(parseDocumentName(file), null);
});
