/** Of what nothing was found, that a contract names it: an empty answer to a misspelt name would say that there is nothing. */
import { type ContractSet, type Observation, partitionOf, type Read } from '@signalbox/contract'
import { resourceKey } from '@signalbox/core'
import { quotedName, RequestRefused } from '@signalbox/http'
import { type ResourceFilter, unknownState, unknownType } from '@signalbox/presentation'
import type { Desk } from './desk.ts'

/** Throws RequestRefused for a filter to which no type or state could fit. */
export function checkFilter({ contracts }: Desk, { state, type }: ResourceFilter): void {
  if (type !== undefined) refuse('type', type, unknownType(contracts, type))
  if (state !== undefined) refuse('state', state, unknownState(contracts, state, type))
}

/** Throws RequestRefused for a resource that does not exist, of a type that no contract names. */
export function checkFound({ contracts }: Desk, { resources }: Observation): void {
  for (const { exists, resource } of resources) if (!exists) checkType(contracts, 'resource', resource)
}

/** The same of what is to be watched. */
export function checkReadNames({ contracts, readModel, source: { log } }: Desk, scope: string, reads: readonly Read[]): void {
  const state = readModel.state(partitionOf(scope, log.partitionCount))
  for (const { resource } of reads) if (state.resource(resourceKey(scope, resource)) === undefined) checkType(contracts, 'read', resource)
}

function checkType(contracts: ContractSet, path: string, resource: string): void {
  const type = resource.slice(0, resource.indexOf('/'))
  refuse(path, type, unknownType(contracts, type))
}

function refuse(path: string, text: string, problem: string | null): void {
  if (problem !== null) throw new RequestRefused('QUERY_INVALID', `the query, at ${path}: ${quotedName(text)} ${problem}`, { path })
}
