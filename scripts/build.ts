// Everything that production runs, in dist/: the package's JavaScript, and executor.tgz for the agents.
import { execFileSync } from 'node:child_process';
import { buildExecutor } from './lib/executor-bundle.ts';

execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
await buildExecutor('dist/executor.tgz');
