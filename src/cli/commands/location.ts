import type { Command } from 'commander';
import type { LocationCheck } from '../../model/location-check.ts';
import { writeJson, type CommandContext, type Register } from '../action.ts';
import { START_OPTIONS } from '../job-kinds.ts';

/** Commands about the places where backups lie. */
export function addLocationCommands(program: Command, register: Register): void {
  const check = program
    .command('location')
    .description('Where backups lie.')
    .command('check')
    .description("Look at a location from the scheduler's host, without writing.")
    .option(...START_OPTIONS.location);
  register(check, (context) => checkLocation(check, context));
}

async function checkLocation(command: Command, { client, deps, json }: CommandContext): Promise<number> {
  const { location } = command.opts<{ location?: string }>();
  const query = location === undefined ? '' : `?${new URLSearchParams({ location }).toString()}`;
  const answer = await client.get<LocationCheck>(`/cluster/location/check${query}`);
  if (json) writeJson(deps, answer);
  else deps.stdout.write(describe(answer));
  return answer.reachable ? 0 : 1;
}

const WRITABLE = new Map([
  [true, 'and can be written to.'],
  [false, 'but cannot be written to from there.'],
  [null, 'and whether it can be written to, each node tries at the beginning of a backup.'],
]);

function describe({ location, reachable, writable, error }: LocationCheck): string {
  if (reachable) return `${location} is reachable from the scheduler's host, ${WRITABLE.get(writable)}\n`;
  const { code, message, hint } = error ?? { code: 'INTERNAL', message: 'no reason was given' };
  return `${location} is not reachable from the scheduler's host: ${message} (${code})\n${hint === undefined ? '' : `${hint}\n`}`;
}
