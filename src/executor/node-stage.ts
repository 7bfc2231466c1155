import { fileKey } from '../storage/layout.ts';
import { fsyncPath, syncFileSystem } from '../storage/durable.ts';
import { readSource } from './backup-source.ts';
import { eachKeyspace } from './each-keyspace.ts';
import { settle } from './settle-loads.ts';
import { filesToStage, tablesToLoad, type FileToStage } from './staged-files.ts';
import { allPlans, makeStagingDirectories, removePlan, removeStaged, stagingFolder, writePlan } from './staged-plan.ts';
import type { StepContext } from './step-context.ts';
import { transferAll } from './transfers.ts';

/** Brings the node's files next to its data directories and checks them. Nothing live is touched. */
export async function nodeStage(context: StepContext): Promise<void> {
  const { request, reporter, clock } = context;
  const source = await readSource(context);
  const folder = stagingFolder(request.cluster, request.backupName, source.manifestSha256);
  await makeStagingDirectories(context);
  await endEarlierRestores(context, folder);

  const files = filesToStage(context, folder, source);
  const { keyspaces } = source.selection;
  reporter.plan(keyspaces);
  reporter.expect({ bytes: files.reduce((sum, { size }) => sum + size, 0), files: files.length });
  const failures = await eachKeyspace(context, keyspaces, (keyspace) =>
    stageKeyspace(
      context,
      keyspace,
      source.selection.tables.filter((table) => table.keyspace === keyspace).map(({ table }) => table),
      files.filter((file) => file.keyspace === keyspace),
    ),
  );
  // Half a restore is none: all of it has to be here before anything is truncated.
  if (failures.length > 0) throw failures[0];
  await makeDurable(context, files);
  await writePlan(context, {
    version: 1,
    jobUuid: request.jobUuid,
    cluster: request.cluster,
    backupName: request.backupName,
    sourceExecutorId: source.manifest.executorId,
    folder,
    staged: clock.now(),
    keyspaces,
    tables: tablesToLoad(source, files),
    verified: false,
  });
}

/** What an earlier restore staged of the same backup is kept; the room of others is needed now. */
async function endEarlierRestores(context: StepContext, folder: string): Promise<void> {
  for (const plan of await allPlans(context)) {
    if (plan.jobUuid === context.request.jobUuid) continue;
    await settle(context, plan);
    await removePlan(context, plan.jobUuid);
  }
  await removeStaged(context, folder);
}

async function stageKeyspace(
  context: StepContext,
  keyspace: string,
  tables: string[],
  files: FileToStage[],
): Promise<void> {
  const { request, storage, reporter, signal } = context;
  const { cluster, backupName, sourceExecutorId } = request;
  for (const table of tables) reporter.table(keyspace, table);
  await transferAll(files, signal, async (file, either) => {
    reporter.current(file.path);
    let moved = 0;
    await storage.getFile(
      file.source ?? fileKey(cluster, sourceExecutorId ?? '', backupName, file.path),
      file.target,
      { size: file.size, sha256: file.sha256, encoding: file.encoding },
      {
        signal: either,
        onBytes(bytes) {
          moved += bytes;
          reporter.moved(bytes);
        },
      },
    );
    // A file that was there already is only read, however often.
    reporter.moved(file.size - moved);
    reporter.filesDone(file.keyspace, file.table, { files: 1, bytes: file.size });
  });
}

/** Once the plan says that all is staged, a power cut must not prove it wrong. */
async function makeDurable({ stagingDirectories }: StepContext, files: FileToStage[]): Promise<void> {
  for (const directory of stagingDirectories) {
    if (await syncFileSystem(directory)) continue;
    for (const { target } of files) if (target.startsWith(`${directory}/`)) await fsyncPath(target);
  }
}
