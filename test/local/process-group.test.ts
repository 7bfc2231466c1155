import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import { groupOf, identify, isAlive, killGroup, type ProcessIdentity } from '../../src/local/process-group.ts';

/** A shell that leads a session, with a child that it left in it; both ignore what can be ignored. */
async function leader(
  t: ExecutionContext,
): Promise<{ leader: ProcessIdentity; child: number; ended: Promise<unknown> }> {
  const script = "trap '' TERM HUP INT; sleep 600 & echo $!; wait";
  const shell = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(shell, 'exit');
  const [line] = (await once(shell.stdout, 'data')) as [Buffer];
  const found = identify(shell.pid ?? 0);
  if (!found) throw new Error('expected the shell to run');
  t.teardown(() => killGroup(found, systemClock));
  return { leader: found, child: Number(line.toString()), ended };
}

test('a group is its leader and what that has started', async (t) => {
  const { leader: shell, child } = await leader(t);
  t.deepEqual(
    groupOf(shell).toSorted((a, b) => a - b),
    [shell.pid, child].toSorted((a, b) => a - b),
  );
});

test('a group is found and killed when its leader is gone', async (t) => {
  const { leader: shell, child, ended } = await leader(t);
  process.kill(shell.pid, 'SIGKILL');
  await ended;
  t.false(isAlive(shell));
  t.deepEqual(groupOf(shell), [child]);
  await killGroup(shell, systemClock);
  t.deepEqual(groupOf(shell), []);
});

test('a pid that another process has now is nobody’s group', async (t) => {
  const { leader: shell } = await leader(t);
  const earlier = { ...shell, startTime: '1' };
  t.false(isAlive(earlier));
  t.deepEqual(groupOf(earlier), []);
  await killGroup(earlier, systemClock);
  t.true(isAlive(shell));
});

test('there is no process with a pid that was never given', (t) => {
  t.is(identify(2 ** 30), undefined);
});
