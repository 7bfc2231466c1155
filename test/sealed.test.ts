import test, { type ExecutionContext } from 'ava';
import { OperatorError } from '../src/errors.ts';
import { seal, SealingKey } from '../src/sealed.ts';

const SECRET = '{"SECRET_ACCESS_KEY":"geheim ✓"}';
const PURPOSE = 'cassandra.dev.node.0.executor.BACKUP.1.backup.1';

function refuse(t: ExecutionContext, open: () => string): void {
  const error = t.throws(open, { instanceOf: OperatorError, code: 'TASK_LOST' });
  t.notRegex(error.message, /geheim/);
}

test('what was sealed for a key and a purpose is opened by them, and says nothing on its way', (t) => {
  const key = new SealingKey();
  const sealed = seal(SECRET, key.publicKey, PURPOSE);
  t.is(key.open(sealed, PURPOSE), SECRET);
  t.notRegex(Buffer.from(sealed, 'base64url').toString('latin1'), /geheim|SECRET/);
  t.is(key.open(seal('', key.publicKey, PURPOSE), PURPOSE), '');
});

test('nothing is the same when it is sealed twice', (t) => {
  const { publicKey } = new SealingKey();
  const [one, other] = [seal(SECRET, publicKey, PURPOSE), seal(SECRET, publicKey, PURPOSE)];
  t.not(one.slice(0, 43), other.slice(0, 43));
  t.not(one.slice(43), other.slice(43));
});

test('another executor cannot open it', (t) => {
  const sealed = seal(SECRET, new SealingKey().publicKey, PURPOSE);
  refuse(t, () => new SealingKey().open(sealed, PURPOSE));
});

test('it cannot be used for another task', (t) => {
  const key = new SealingKey();
  const sealed = seal(SECRET, key.publicKey, PURPOSE);
  refuse(t, () => key.open(sealed, PURPOSE.replace(/1$/, '2')));
});

test('with any byte changed, or cut off, it is refused', (t) => {
  const key = new SealingKey();
  const bytes = Buffer.from(seal(SECRET, key.publicKey, PURPOSE), 'base64url');
  for (let index = 0; index < bytes.length; index += 1) {
    const changed = Buffer.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ 1;
    refuse(t, () => key.open(changed.toString('base64url'), PURPOSE));
  }
  for (const length of [0, 1, 31, 32, 47, 48, bytes.length - 1]) {
    refuse(t, () => key.open(bytes.subarray(0, length).toString('base64url'), PURPOSE));
  }
});

test('nothing is sealed for what is no public key', (t) => {
  // All zeros: whoever knows that would know the shared secret.
  for (const publicKey of [
    '',
    'AAAA',
    Buffer.alloc(31).toString('base64url'),
    Buffer.alloc(32).toString('base64url'),
  ]) {
    t.throws(() => seal(SECRET, publicKey, PURPOSE));
  }
});
