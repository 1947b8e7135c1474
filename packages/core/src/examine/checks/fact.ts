/** Facts of systems of record: each is taken once, in its source's order. */
import { bounds, boundText, isWithin, type SourceData } from '@signalbox/contract'
import { ContractFault, described, runContractCode } from '../../rules/sandbox.ts'
import type { Check } from '../check.ts'
import type { Examination, PlannedAction } from '../examination.ts'

/** The place of a fact in its source's order. Contract code is asked once: as a check, where it may fail. */
export function factVersion(planned: PlannedAction): number {
  planned.factVersion ??= askVersion(planned)
  return planned.factVersion
}

function askVersion(planned: PlannedAction): number {
  const { version } = planned.action.fact!
  const where = `${planned.prepared.whereAmount}, fact`
  const said = runContractCode(where, version, { input: planned.input })
  if (!isWithin(bounds.factVersion, said))
    throw new ContractFault(`${where} returned ${described(said)} as its version; return ${boundText(bounds.factVersion)}`)
  return said
}

/** What the source said last of the resource; undefined where this is the first time. */
export function lastFact(examination: Examination, resource: string): SourceData | undefined {
  const found = examination.state.resourceIn(examination.worldOf(resource), `source/${resource}`)
  return found === undefined ? undefined : (JSON.parse(found.data) as SourceData)
}

export const fact: Check = {
  name: 'fact',
  run(examination) {
    for (let index = 0; index < examination.planned.length; index++) {
      const planned = examination.planned[index]!
      if (planned.action.fact === null) continue
      const { resource } = planned.request
      const version = factVersion(planned)
      const last = lastFact(examination, resource)
      if (last === undefined || version > last.version) continue
      return {
        code: 'FACT_OUTDATED',
        message: `the fact about ${resource} has version ${version}, and its source's version ${last.version} is known already; there is nothing left to do`,
        resource,
        owner: planned.contract.owner,
        details: { version, known: last.version },
      }
    }
    return null
  },
}
