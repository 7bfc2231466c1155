import type { Attribute, Offer } from '../mesos/types.ts';
import type { ClusterNode } from '../model/node.ts';
import type { Facts } from './constraints.ts';
import type { SchedulerSettings } from './settings.ts';

/** Text attributes by which an operator names an agent's place to Cassandra; the forerunner's. */
const RACK = 'CASSANDRA_RACK';
const DATACENTER = 'CASSANDRA_DC';

type Agent = Pick<Offer, 'hostname' | 'attributes' | 'domain'>;

/** Text and scalar attributes of an offer's agent, with `@region` and `@zone` of its fault domain. */
export function attributesOf({ attributes, domain }: Agent): Record<string, string> {
  const { region, zone } = domain?.faultDomain ?? {};
  return {
    ...Object.fromEntries(attributes.flatMap(textOf)),
    ...(region ? { '@region': region.name } : {}),
    ...(zone ? { '@zone': zone.name } : {}),
  };
}

export function factsOfOffer(offer: Agent): Facts {
  return { ...attributesOf(offer), hostname: offer.hostname };
}

function textOf({ name, text, scalar }: Attribute): [string, string][] {
  const value = text?.value ?? scalar?.value;
  return value === undefined ? [] : [[name, String(value)]];
}

/**
 * Cassandra's names for the place of a node: what its agent says, else the fault domain, else the settings. Decided
 * once: Cassandra refuses to start a node with data in another rack or datacenter.
 */
export function placeNames(
  node: Pick<ClusterNode, 'datacenter' | 'rack' | 'bootstrapped'>,
  attributes: Record<string, string>,
  settings: Pick<SchedulerSettings, 'datacenter' | 'rack'>,
): { datacenter: string; rack: string } {
  // Nodes of a version that did not keep the names were started with those of the settings.
  const said: Record<string, string> = node.bootstrapped ? {} : attributes;
  return {
    datacenter: node.datacenter ?? said[DATACENTER] ?? said['@region'] ?? settings.datacenter,
    rack: node.rack ?? said[RACK] ?? said['@zone'] ?? settings.rack,
  };
}
