import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { BackupLocations } from '../../src/bin/backup-locations.ts';
import { systemClock } from '../../src/clock.ts';
import { BackupCatalogue } from '../../src/jobs/backup-catalogue.ts';
import { newState } from '../state/helpers.ts';

const NODE = 'cassandra.dev.node.0.executor';

test('what another program made is found where the cluster has nothing yet, and told in the catalogue where it has', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'location-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const defaultLocation = pathToFileURL(directory).href;
  const reader = new BackupLocations('dev', new AbortController().signal);
  const catalogue = new BackupCatalogue({ state: newState(t), clock: systemClock, defaultLocation, reader });
  const make = async (folder: string) => {
    const table = join(directory, folder, NODE, 'old', 'shop', 'users');
    await mkdir(table, { recursive: true });
    await writeFile(join(table, 'nb-1-big-Data.db'), 'ada');
  };
  await make('cassandra.dev');
  const found = [{ framework: 'cassandra.dev', name: 'old', nodes: [NODE], keyspaces: ['shop'], message: null }];
  t.like(await catalogue.foreign(), { location: defaultLocation, seen: true, backups: found });
  await make('dev');
  t.like(await catalogue.get('old'), { state: 'INCOMPLETE', started: null });
  t.regex((await catalogue.get('old')).message ?? '', /another program made it, and it can be adopted/);
  t.like(await catalogue.foreign(`${defaultLocation}/nowhere`), { seen: false, backups: [] });
});
