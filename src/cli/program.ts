import { Command, CommanderError } from 'commander';
import { OperatorError, messageOf } from '../errors.ts';
import { writeJson, type Register } from './action.ts';
import { addAdoptionCommands } from './commands/adoption.ts';
import { addBackupCommands } from './commands/backups.ts';
import { addClusterCommands } from './commands/cluster.ts';
import { addJobCommands } from './commands/jobs.ts';
import { addLocationCommands } from './commands/location.ts';
import { addNodeCommands } from './commands/nodes.ts';
import { addScheduleCommands } from './commands/schedules.ts';
import { DEFAULT_URL, type CliDeps } from './deps.ts';
import { RestError, restClient } from './rest-client.ts';

const EXIT_CODES = 'Exit codes: 0 success, 1 failed, aborted, refused or unreachable, 2 wrong usage, 3 partial.';

export interface Program {
  /** More commands can be added; their errors become messages and exit codes like those of ours. */
  program: Command;
  /** Runs the command that `argv` (without node and script) names. Returns the exit code, never throws. */
  run: (argv: string[]) => Promise<number>;
}

/** The commands that speak to a running scheduler by REST. */
export function createProgram(deps: CliDeps): Program {
  let exitCode = 0;
  let signal: AbortSignal | undefined;
  const program = new Command('cassandra-mesos')
    .description('Runs Apache Cassandra on Apache Mesos, and backs it up and restores it.')
    .addHelpText('after', `\n${EXIT_CODES}`);
  const register: Register = (command, action) => {
    addCommonOptions(command, deps).action(async () => {
      const { url, json = false } = command.opts<{ url: string; json?: boolean }>();
      signal = deps.stopSignal?.();
      const client = restClient({ url, token: deps.token, signal });
      exitCode = await action({ client, deps, json, signal });
    });
  };
  addJobCommands(program, register);
  addBackupCommands(program, register);
  addAdoptionCommands(program, register);
  addNodeCommands(program, register);
  addScheduleCommands(program, register);
  addLocationCommands(program, register);
  addClusterCommands(program, register);
  return {
    program,
    async run(argv) {
      const json = argv.includes('--json');
      prepare(program, deps, json);
      try {
        await program.parseAsync(argv, { from: 'user' });
        return exitCode;
      } catch (error) {
        if (!signal?.aborted) return reportError(error, deps, json);
        deps.stderr.write('Stopped waiting. A job that was started goes on; see `status`.\n');
        return 1;
      }
    },
  };
}

function addCommonOptions(command: Command, deps: CliDeps): Command {
  return command
    .option('--url <url>', "the scheduler's REST API, also CASSANDRA_MESOS_URL", deps.url ?? DEFAULT_URL)
    .option('--json', "print the API's JSON, errors too, and nothing else");
}

/** Makes commander throw instead of ending the process, in commands that were added later as well. */
function prepare(command: Command, deps: CliDeps, json: boolean): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => deps.stdout.write(text),
    // With --json the error comes once, as JSON.
    writeErr: (text) => json || deps.stderr.write(text),
  });
  for (const child of command.commands) prepare(child, deps, json);
}

function reportError(error: unknown, deps: CliDeps, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const known = toOperatorError(error);
  if (json) {
    writeJson(deps, error instanceof RestError ? error.body : errorBody(known));
  } else if (!(error instanceof CommanderError)) {
    deps.stderr.write(`Error: ${known.message} (${known.code})\n${known.hint === undefined ? '' : `${known.hint}\n`}`);
  }
  return known.exitCode;
}

function toOperatorError(error: unknown): OperatorError {
  if (error instanceof OperatorError) return error;
  if (!(error instanceof CommanderError)) return new OperatorError('INTERNAL', messageOf(error), { cause: error });
  // Commander says "(outputHelp)" when a command was expected and none came.
  const message = error.code === 'commander.help' ? 'Expected a command, got none' : error.message;
  return new OperatorError('BAD_REQUEST', message.replace(/^error: /, ''), { hint: 'Add --help for the options.' });
}

function errorBody({ code, message, hint, details }: OperatorError): unknown {
  return { error: { code, message, ...(hint === undefined ? {} : { hint }) }, ...details };
}
