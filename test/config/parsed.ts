import { Command } from 'commander';
import {
  addOptions,
  CLUSTER_DEFAULTS,
  clusterOptions,
  schedulerOptions,
  type SchedulerOptions,
} from '../../src/config/options.ts';

/** `cassandra-mesos scheduler` as far as its options go. */
export function schedulerCommand(): Command {
  const command = addOptions(new Command(), [...schedulerOptions(), ...clusterOptions(CLUSTER_DEFAULTS)]);
  return command.exitOverride().configureOutput({ writeErr: () => undefined });
}

/** What commander makes of the arguments. */
export function parsed(...args: string[]): SchedulerOptions {
  return schedulerCommand()
    .parse(['--master', 'localhost:5050', ...args], { from: 'user' })
    .opts<SchedulerOptions>();
}
