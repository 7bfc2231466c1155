import { z } from 'zod';
import { OperatorError } from '../../errors.ts';
import { isMember, type ClusterNode } from '../../model/node.ts';
import type { ApiDeps } from '../deps.ts';
import { findNode } from '../find-node.ts';
import { countParam, flagParam } from '../params.ts';
import { jsonRoute, type Route } from '../route.ts';

const YES = { yesDeleteData: flagParam().optional() };
const DESTROY = { ...YES, cluster: z.string({ error: 'the name of the cluster' }).optional() };

/** What changes the ring's members for good. All of it is stored when the answer goes out; the work follows. */
export function ringRoutes(deps: ApiDeps): Route[] {
  return [replaceRoute(deps), removeRoute(deps), terminateRoute(deps), ...seedRoutes(deps), ...clusterRoutes(deps)];
}

function replaceRoute(deps: ApiDeps): Route {
  return jsonRoute('POST', '/node/:node/replace', {}, ({ path }) => {
    const wanted = findNode(deps.nodes.all(), path['node'] ?? '');
    const { replaced, replacement } = deps.ring.replace(wanted.executorId);
    const { ip, hostname, targetRunState, executorId } = replaced;
    return {
      ipToReplace: ip,
      success: true,
      hostname,
      targetRunState,
      executorId,
      replacement: replacement.executorId,
    };
  });
}

/** A member leaves by a cluster job, that its data get new owners first; of a former node only what is left is deleted. */
function removeRoute(deps: ApiDeps): Route {
  return jsonRoute('POST', '/node/:node/remove', YES, async ({ params: { yesDeleteData }, path }) => {
    const node = findNode(deps.nodes.all(), path['node'] ?? '', { formerToo: true });
    const { executorId, hostname, ip } = node;
    if (!yesDeleteData) {
      const got = yesDeleteData ?? 'none';
      throw new OperatorError('BAD_REQUEST', `Expected yesDeleteData=true, got ${got}: ${removalOf(node)}`, {
        hint: 'Say yesDeleteData=true (cassandra-mesos: --yes-delete-data) if that is wanted.',
      });
    }
    const job = isMember(node) ? await deps.jobs.start('REMOVE', { nodes: [executorId] }) : null;
    if (job === null) deps.ring.forget(executorId);
    return { started: true, job: job?.id ?? null, executorId, hostname, ip };
  });
}

function removalOf(node: ClusterNode): string {
  const where = `${node.executorId}${node.hostname === null ? '' : ` on ${node.hostname}`}`;
  const volumes = node.reservation?.volumes.map(({ id }) => id) ?? [];
  const kept = [
    ...(volumes.length === 0 ? [] : [`its volume${volumes.length === 1 ? '' : 's'} ${volumes.join(', ')}`]),
    ...(node.reservation === null ? [] : ['its reservation']),
  ].join(' and ');
  const loss = kept === '' ? 'what it has stored is never used again' : `${kept} would be deleted for good`;
  return isMember(node)
    ? `${where} would leave the ring for ever; the other nodes take over its data, then ${loss}`
    : `${where} is no member any more; ${loss}`;
}

/** The forerunner's first half of a replacement. Alone it would leave tokens without an owner. */
function terminateRoute(deps: ApiDeps): Route {
  return jsonRoute('POST', '/node/:node/terminate', {}, ({ path }) => {
    const { executorId } = findNode(deps.nodes.all(), path['node'] ?? '');
    throw new OperatorError(
      'BAD_REQUEST',
      `Expected to be told who gets the data of ${executorId}: a node is not terminated without that`,
      { hint: 'POST /node/{node}/replace starts a new node in its place, POST /node/{node}/remove makes do without.' },
    );
  });
}

function seedRoutes(deps: ApiDeps): Route[] {
  return [true, false].map((seed) =>
    jsonRoute('POST', `/node/:node/make-${seed ? 'seed' : 'non-seed'}`, {}, ({ path }) => {
      const wanted = findNode(deps.nodes.all(), path['node'] ?? '');
      const { node, changed } = deps.ring.setSeed(wanted.executorId, seed);
      const { ip, hostname, executorId } = node;
      return { ip, hostname, executorId, oldSeedState: changed ? !seed : seed, success: changed, seedState: seed };
    }),
  );
}

function clusterRoutes(deps: ApiDeps): Route[] {
  return [
    jsonRoute('POST', '/scale/nodes', { nodeCount: countParam().optional() }, ({ params: { nodeCount } }) => {
      if (nodeCount !== undefined) return { newNodeCount: deps.ring.scale(nodeCount) };
      // The forerunner's words for no number, too.
      throw new OperatorError('BAD_REQUEST', 'Can not decrease the number of nodes.', {
        hint: 'Say nodeCount=<n>: how many there are to be.',
      });
    }),
    jsonRoute('POST', '/cluster/destroy', DESTROY, ({ params: { yesDeleteData, cluster } }) => {
      const { name } = deps.cluster;
      const nodes = deps.nodes.all();
      if (!yesDeleteData || cluster !== name) {
        const got = `${yesDeleteData ?? 'none'} and ${cluster?.slice(0, 100) ?? 'none'}`;
        throw new OperatorError(
          'BAD_REQUEST',
          `Expected yesDeleteData=true and cluster=${name}, got ${got}: ${destructionOf(name, nodes)}`,
          { hint: `Say both (cassandra-mesos: --yes-delete-data --cluster ${name}) if that is wanted. Backups stay.` },
        );
      }
      deps.ring.destroy();
      return { started: true, cluster: name, nodes: nodes.map(({ executorId }) => executorId) };
    }),
  ];
}

function destructionOf(name: string, nodes: ClusterNode[]): string {
  const volumes = nodes.flatMap(({ reservation }) => reservation?.volumes ?? []).length;
  const loss =
    volumes === 0
      ? 'what they have stored never used again'
      : `their volumes (${volumes}) and reservations deleted for good`;
  return `all nodes of ${name} (${nodes.length}) would be stopped, ${loss}, and the framework ended`;
}
