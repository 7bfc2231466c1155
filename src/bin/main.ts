import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { systemClock } from '../clock.ts';
import { createProgram } from '../cli/program.ts';
import { effectiveSettings, effectiveTable } from '../config/effective.ts';
import { checkEnvironment, externalDcs, withAliases } from '../config/environment.ts';
import {
  addOptions,
  CLUSTER_DEFAULTS,
  clusterOptions,
  LOCAL_DEFAULTS,
  localOptions,
  schedulerOptions,
  type LocalOptions,
  type SchedulerOptions,
} from '../config/options.ts';
import { apiToken, mesosSecret, webhookTarget } from '../config/secrets.ts';
import { edge, stopSignal } from './edge.ts';

/** How this very program is started again: by the scheduler's supervisor, and by agents as the executor. */
export function commandLine(...args: string[]): string[] {
  const script = process.argv[1];
  if (script === undefined) throw new Error('the path of this program is unknown');
  return [process.execPath, script, ...args];
}

/** Aborts when whoever holds the other end of stdin is gone. */
function stdinClosed(): AbortSignal {
  const controller = new AbortController();
  const { stdin } = process;
  stdin.on('end', () => controller.abort(new Error('the supervisor ended'))).resume();
  // Waiting for it must not keep a scheduler alive that has ended. A pipe is a socket, which the type does not say.
  if (stdin instanceof Socket) stdin.unref();
  return controller.signal;
}

const allSchedulerOptions = () => [...schedulerOptions(), ...clusterOptions(CLUSTER_DEFAULTS)];

function schedulerCommand(setExitCode: (code: number) => void): Command {
  const command = new Command('scheduler').description('run the scheduler on a Mesos cluster');
  addOptions(command, allSchedulerOptions());
  return command.action(async (options: SchedulerOptions) => {
    const { runScheduler } = await import('./scheduler.ts');
    const { env } = process;
    const signal = options.supervised ? AbortSignal.any([stopSignal(), stdinClosed()]) : stopSignal();
    const run = () =>
      runScheduler(
        {
          options,
          environmentWarnings: checkEnvironment(env, allSchedulerOptions()),
          externalDcs: externalDcs(env),
          token: apiToken(env),
          mesosSecret: mesosSecret(env),
          webhook: webhookTarget(env),
          executorCommandLine: commandLine('executor'),
        },
        signal,
      );
    setExitCode(await edge(run));
  });
}

/** Needs no scheduler: says what one that is started like this would take. */
function configCommand(setExitCode: (code: number) => void): Command {
  const command = new Command('config').description('print the configuration in force, and where each part comes from');
  addOptions(command, allSchedulerOptions()).option('--json', 'as JSON');
  for (const option of command.options) option.mandatory = false;
  return command.action(async (options: SchedulerOptions & { json?: boolean }) => {
    const print = async (): Promise<void> => {
      const { warnings } = await import('../config/settings.ts');
      const settings = effectiveSettings(command);
      const warned = [...checkEnvironment(process.env, allSchedulerOptions()), ...warnings(options)];
      if (options.json) {
        process.stdout.write(`${JSON.stringify({ settings, warnings: warned }, null, 2)}\n`);
      } else {
        const text = [effectiveTable(settings), ...warned.map((warning) => `Warning: ${warning}`)].join('\n');
        process.stdout.write(`${text}\n`);
      }
    };
    setExitCode(await edge(print));
  });
}

function executorCommand(setExitCode: (code: number) => void): Command {
  const command = new Command('executor').description('run one node; started by a Mesos agent');
  return command.action(async () => {
    const { runExecutor } = await import('./executor.ts');
    setExitCode(await edge(() => runExecutor(process.env, stopSignal())));
  });
}

function localCommand(setExitCode: (code: number) => void): Command {
  const command = new Command('local').description('run a ring on this machine, on an embedded Mesos');
  addOptions(command, [...localOptions(), ...clusterOptions(LOCAL_DEFAULTS)]);
  return command.action(async (options: LocalOptions) => {
    const { runLocal } = await import('./local.ts');
    setExitCode(await edge(() => runLocal(options, commandLine, stopSignal())));
  });
}

/** Runs the command line; resolves to the exit code. */
export async function main(argv: string[]): Promise<number> {
  let exitCode = 0;
  const setExitCode = (code: number): void => {
    exitCode = code;
  };
  const failed = await edge(async () => setExitCode((await runCommands(argv, setExitCode)) || exitCode));
  return failed || exitCode;
}

async function runCommands(argv: string[], setExitCode: (code: number) => void): Promise<number> {
  Object.assign(process.env, withAliases(process.env));
  const { env, stdout, stderr } = process;
  const { program, run } = createProgram({
    stdout,
    stderr,
    url: env['CASSANDRA_MESOS_URL'] ?? null,
    token: apiToken(env),
    clock: systemClock,
    stopSignal,
    readStdin: () => text(process.stdin),
    renameDirectly: async (renaming, signal) => (await import('./rename-directly.ts')).renameDirectly(renaming, signal),
  });
  for (const create of [schedulerCommand, executorCommand, localCommand, configCommand]) {
    program.addCommand(create(setExitCode));
  }
  return run(argv.slice(2));
}
