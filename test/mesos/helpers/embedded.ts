// The embedded Mesos in a process of its own, which a test may kill: `embedded.ts <workDir>` writes the master's URL.
import { createLogger } from '../../../src/log.ts';
import { EmbeddedMesos } from '../../../src/local/embedded-mesos.ts';
import { embeddedOptions } from './mesos.ts';

const mesos = await EmbeddedMesos.start(embeddedOptions(process.argv[2] ?? '', createLogger('embedded', 'silent')));
process.stdout.write(`${mesos.url}\n`);
