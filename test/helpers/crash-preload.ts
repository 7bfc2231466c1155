// Given to a process by --import, see crash-at.ts: kills it before its n-th change of what lies below a directory, or says and stops it before each.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { resolve, sep } from 'node:path';

type Act = (this: unknown, ...args: unknown[]) => unknown;

const { CRASH_AT = '0', CRASH_BELOW = '/' } = process.env;
const atEach = CRASH_AT === 'each';
let left = Number(CRASH_AT);

/** Where it says that it is about to stop. */
const TOLD = 3;

/** What changes names or contents by a path; for links and renames the new name is what counts. */
const BY_PATH = ['unlink', 'rmdir', 'rm', 'mkdir', 'writeFile', 'appendFile', 'truncate', 'utimes', 'chmod'];
const BY_TARGET = ['rename', 'link', 'symlink', 'copyFile', 'cp'];
const BY_HANDLE = ['write', 'writev', 'writeFile', 'appendFile', 'truncate'];

function patch(owner: object, name: string, before: (args: unknown[]) => void): void {
  const act = Reflect.get(owner, name) as Act;
  Reflect.set(owner, name, function (this: unknown, ...args: unknown[]) {
    before(args);
    return Reflect.apply(act, this, args);
  });
}

function changes(path: unknown): void {
  if (!resolve(String(path)).startsWith(resolve(CRASH_BELOW) + sep)) return;
  if (atEach) {
    fs.writeSync(TOLD, '.');
    process.kill(process.pid, 'SIGSTOP');
    return;
  }
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
}

function opens(path: unknown, flags: unknown): void {
  const makes =
    typeof flags === 'number'
      ? (flags & fs.constants.O_CREAT) !== 0
      : typeof flags === 'string' && /[wax+]/.test(flags);
  if (makes) changes(path);
}

const probe = await fs.promises.open(process.execPath);
const handles = Object.getPrototypeOf(probe) as object;
await probe.close();
const written = new WeakMap<object, unknown>();

for (const owner of [fs.promises, fs]) {
  const suffix = owner === fs ? 'Sync' : '';
  for (const name of BY_PATH) patch(owner, name + suffix, ([path]) => changes(path));
  for (const name of BY_TARGET) patch(owner, name + suffix, ([, target]) => changes(target));
}
patch(fs, 'openSync', ([path, flags]) => opens(path, flags));
const open = fs.promises.open;
fs.promises.open = async (path, flags, mode) => {
  opens(path, flags);
  const handle = await open(path, flags, mode);
  written.set(handle, path);
  return handle;
};
for (const name of BY_HANDLE) {
  const act = Reflect.get(handles, name) as Act;
  Reflect.set(handles, name, function (this: object, ...args: unknown[]) {
    changes(written.get(this));
    return Reflect.apply(act, this, args);
  });
}
syncBuiltinESMExports();
