/** `signalbox contract docs` */
import { join, resolve } from 'node:path'
import { type Contract, nearestOf } from '@signalbox/contract'
import { type BuiltIn, builtIns } from '@signalbox/core'
import { makeFolder, replaceFile } from '@signalbox/files'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { printOne, say } from '../output.ts'
import { contractPage, stateDiagram } from '../render/contract.ts'
import { contractsOf, type Settings } from '../settings.ts'
import { inOneLine, visible } from '../visible.ts'

export interface DocsFlags {
  readonly out?: string
  readonly builtIn?: boolean
}

function ownOf(contract: Contract): BuiltIn | undefined {
  return builtIns.find((builtIn) => builtIn.contract === contract)
}

/** A page for each contract, or for one: to stdout, or a file each into a folder. */
export async function contractDocs(settings: Settings, type: string | undefined, { builtIn = false, out }: DocsFlags): Promise<number> {
  const own = builtIns.map(({ contract }) => contract)
  const all: readonly Contract[] = builtIn ? own : contractsOf(settings).all
  const found = type === undefined ? all : [...all, ...own].filter((contract) => contract.type === type)
  if (found.length === 0)
    throw new CommandError(
      'notFound',
      `there is no contract ${type}; ${nearestOf(
        type ?? '',
        [...all, ...own].map((contract) => contract.type),
        `there are ${all.map((contract) => contract.type).join(', ')}`,
      )}`,
    )
  if (out === undefined) {
    const described = found.map((contract) => ({
      type: contract.type,
      version: contract.version,
      owner: contract.owner,
      diagram: stateDiagram(contract, ownOf(contract)),
      page: contractPage(contract, ownOf(contract)),
    }))
    printOne(settings.output, described, () => found.map((contract) => contractPage(inOneLine(contract), ownOf(contract))).join('\n'))
    return exitCodes.ok
  }
  makeFolder(resolve(out))
  for (const contract of found) {
    const file = join(resolve(out), `${contract.type}.md`)
    replaceFile(file, visible(contractPage(inOneLine(contract), ownOf(contract))))
    say(`wrote ${file}`)
  }
  return exitCodes.ok
}
