import test from 'ava';
import { effectiveSettings, effectiveTable } from '../../src/config/effective.ts';
import { schedulerCommand } from './parsed.ts';

test('each setting says whether a flag, the environment or the default gave it, and shows no password', (t) => {
  process.env['CASSANDRA_RESOURCE_MEM_MB'] = '4096';
  t.teardown(() => delete process.env['CASSANDRA_RESOURCE_MEM_MB']);
  const command = schedulerCommand().parse(['--master', 'zk://root:geheim@z1:2181/mesos', '--cpus', '3'], {
    from: 'user',
  });
  const settings = new Map(effectiveSettings(command).map((setting) => [setting.flag, setting]));
  t.like(settings.get('--cpus'), { value: 3, source: 'flag', env: 'CASSANDRA_RESOURCE_CPU_CORES' });
  t.like(settings.get('--mem'), { value: 4096, source: 'environment' });
  t.like(settings.get('--disk'), { value: 2048, source: 'default' });
  t.is(settings.get('--master')?.value, 'zk://…@z1:2181/mesos');
  const table = effectiveTable([...settings.values()]);
  t.regex(table, /^--cpus +3 +flag +CASSANDRA_RESOURCE_CPU_CORES$/m);
  t.notRegex(table, /geheim/);
});
