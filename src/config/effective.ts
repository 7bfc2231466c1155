import type { Command } from 'commander';

/** One setting as it is in force, and who said so. */
export interface EffectiveSetting {
  flag: string;
  env: string | null;
  value: string | number | boolean | null;
  source: 'flag' | 'environment' | 'default';
}

/** Every option of a parsed command, with its value and where that came from. Secrets are never options. */
export function effectiveSettings(command: Command): EffectiveSetting[] {
  const hidden = new Set(['supervised', 'executorOnAgents', 'json']);
  return command.options
    .filter((option) => !hidden.has(option.attributeName()))
    .map((option) => ({
      flag: option.long ?? option.flags,
      env: option.envVar ?? null,
      value: shown(command.getOptionValue(option.attributeName())),
      source: sourceOf(command.getOptionValueSource(option.attributeName())),
    }));
}

/** The password of a `zk://user:password@…` stays here. */
function shown(value: unknown): EffectiveSetting['value'] {
  if (typeof value === 'string') return value.replaceAll(/:\/\/[^/@\s]*@/g, '://…@');
  return typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function sourceOf(source: string | undefined): EffectiveSetting['source'] {
  if (source === 'cli') return 'flag';
  return source === 'env' ? 'environment' : 'default';
}

/** For people: aligned columns, what differs from the defaults marked. */
export function effectiveTable(settings: EffectiveSetting[]): string {
  const rows = settings.map(({ flag, env, value, source }) => [
    flag,
    value === null || value === '' ? '-' : String(value),
    source,
    env ?? '',
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => Math.min(60, row[column]?.length ?? 0))));
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
