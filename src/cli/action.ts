import type { Command } from 'commander';
import type { CliDeps } from './deps.ts';
import type { RestClient } from './rest-client.ts';

/** What a command works with once its options are read. */
export interface CommandContext {
  client: RestClient;
  deps: CliDeps;
  /** Aborts on Ctrl-C. */
  signal: AbortSignal | undefined;
  /** The answer goes to stdout as JSON, and nothing else does. */
  json: boolean;
}

/** A command's work: writes to stdout, returns the exit code. */
export type Action = (context: CommandContext) => Promise<number>;

/** How a command joins the program: it gets --url and --json, and its action is run with them. */
export type Register = (command: Command, action: Action) => void;

export function writeJson(deps: CliDeps, body: unknown): void {
  deps.stdout.write(`${JSON.stringify(body, null, 2)}\n`);
}
