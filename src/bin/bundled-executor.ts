// The program in executor.tgz: the executor alone, without the rest of the command line.
import { edge, stopSignal } from './edge.ts';
import { runExecutor } from './executor.ts';

process.exitCode = await edge(() => runExecutor(process.env, stopSignal()));
