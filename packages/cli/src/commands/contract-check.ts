/** `signalbox contract check`: whether contracts fit what the log holds. */
import { type ContractProblem, checkContracts } from '@signalbox/partition-state'
import { exitCodes } from '../exit-codes.ts'
import { withSource } from '../logs.ts'
import { printOne, say, style } from '../output.ts'
import { contractsOf, type Settings } from '../settings.ts'
import { candidateContracts } from './replay/candidate.ts'

/** Exit code 8 where something stands against it. */
export async function checkContract(settings: Settings, flags: { readonly with?: string }): Promise<number> {
  const contracts = flags.with === undefined ? contractsOf(settings) : await candidateContracts(settings, flags.with)
  const problems = await withSource(settings, (source) =>
    checkContracts(source, contracts, (partition) => {
      if (partition > 0) say(`partition ${partition} of ${source.log.partitionCount}`)
    }),
  )
  const names = contracts.all.map(({ type, version }) => `${type}@${version}`)
  printOne(settings.output, { contracts: names, fits: problems.length === 0, problems }, (shown) => textOf(shown.contracts, shown.problems))
  return problems.length === 0 ? exitCodes.ok : exitCodes.differs
}

function textOf(names: readonly string[], problems: readonly ContractProblem[]): string {
  if (problems.length === 0) return `${names.join(', ')} fit the log: its versions, its resources and what is pending`
  return problems
    .map(({ code, contract, count, message, named }) => {
      const more = count > named.length ? `, and ${count - named.length} more` : ''
      return `${style('red', code)}  ${contract}: ${message}\n    ${count === 1 && named[0] === 'the log' ? 'raise it, or deploy the newer one' : `${count}: ${named.join(', ')}${more}`}`
    })
    .join('\n')
}
