import test from 'ava';
import { hasSecret } from '../../src/model/secret-in-location.ts';

test('a location with a reference to credentials has no secret', (t) => {
  for (const location of [
    'backup',
    '/backup/what?secret=x',
    'file:///backup',
    's3://bucket/prefix',
    's3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=us-east-1&pathStyle=true',
    's3://bucket?credentials=file:/etc/backup.credentials',
    's3://bucket?credentials=env:BACKUP_',
    's3://bucket?credentials=secret:s3',
    's3://bucket?encryptionKey=file:/etc/backup.key&kmsKeyId=alias/backup',
    'file:///backup?compression=zstd&encryption=file:/etc/backup.keys',
    '/backup?encryption=secret:keys',
    's3://bucket?encryption=command:/usr/bin/keys',
    's3://bucket?sse=aws:kms&kmsKey=alias/backup&bucketKey=true',
  ])
    t.false(hasSecret(location), location);
});

test('a key, a token or a password in a location is found, also where it is encoded', (t) => {
  for (const location of [
    's3://user:hidden@bucket/prefix',
    's3://bucket?credentials=AKIA:hidden',
    's3://bucket?credentials=env:lower',
    's3://bucket?credentials=secret:/hidden',
    's3://bucket?accessKeyId=hidden',
    'azure://container?sas=hidden',
    'azure://container?connectionString=hidden',
    'azure://container?sv=2024-01-01&sig=hidden',
    's3://bucket?encryption=hidden',
    'file:///backup?encryption=aGlkZGVu',
    '/backup?compression=zstd&encryption=hidden',
    's3://bucket?secretKey=hidden',
    's3://bucket?sessionToken=hidden',
    's3://bucket?endpoint=http://user:hidden@host',
    's3://bucket?endpoint=http%3A%2F%2Fuser%3Ahidden%40host',
  ])
    t.true(hasSecret(location), location);
});
