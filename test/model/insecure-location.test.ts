import test from 'ava';
import { insecureLocation } from '../../src/model/insecure-location.ts';

test('a place that is reached without a check is warned of, without its query', (t) => {
  t.is(insecureLocation('s3://bucket/prefix?endpoint=https://store&insecure=false'), null);
  t.is(insecureLocation('/backup?insecure=true'), null);
  t.regex(insecureLocation('s3://bucket/prefix?region=x&insecure=true') ?? '', /^s3:\/\/bucket\/prefix has.*caFile/);
});
