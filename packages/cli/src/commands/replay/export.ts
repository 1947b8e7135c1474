/** `signalbox replay export | import | test`: an incident as one file, on another machine, and as a test. */
import { existsSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { copyInPlace, makeFolder, replaceFile } from '@signalbox/files'
import { type DecidedAgain, exportLog, openExport, openIncident } from '@signalbox/replay'
import { rememberConfig } from '../../data-directory.ts'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { exportedFile, withSource } from '../../logs.ts'
import { printOne, say } from '../../output.ts'
import { noteFuture, readPosition } from '../../positions.ts'
import { contractsOf, type Settings } from '../../settings.ts'

export interface ExportFlags {
  readonly scope?: readonly string[]
  readonly correlation?: string
  readonly from?: string
  readonly to?: string
  readonly redact?: readonly string[]
}

export async function exportTo(settings: Settings, file: string, flags: ExportFlags): Promise<number> {
  let saidMs = performance.now()
  const { from, to } = flags
  for (const text of [from, to]) if (text !== undefined) noteFuture(text)
  const exported = await withSource(settings, async (source) => {
    const moment = (text: string | undefined) =>
      text === undefined ? null : async (partition: number) => (await readPosition(source, partition, text)).logOffset
    return await exportLog(source, file, {
      scopes: flags.scope ?? null,
      correlation: flags.correlation ?? null,
      from: moment(from),
      to: moment(to),
      redact: flags.redact ?? [],
      progress: ({ events, partition }) => {
        if (performance.now() - saidMs < 2_000) return
        saidMs = performance.now()
        say(`partition ${partition}: ${events} events written`)
      },
    })
  })
  printOne(settings.output, { file, ...exported }, () => {
    const of = exported.scopes === null ? 'all scopes' : `scopes ${exported.scopes.join(', ')}`
    return `${exported.events} events of ${of}, partitions ${exported.partitions.join(', ')}, in ${file}\nlook at it with --file ${file} in any command that reads, or: signalbox replay import ${file} --data-dir DIRECTORY`
  })
  return exitCodes.ok
}

/** Takes an export into a data directory, from which every command that reads then reads it. */
export async function importFrom(settings: Settings, file: string): Promise<number> {
  const { dataDirectory } = settings
  if (existsSync(join(dataDirectory, 'log.db')) || exportedFile(dataDirectory) !== null)
    throw new CommandError('usage', `there is a log in ${dataDirectory} already; name an empty directory with --data-dir`)
  const { header, log } = await openExport(file)
  makeFolder(dataDirectory)
  copyInPlace(file, join(dataDirectory, file.endsWith('.gz') ? 'export.jsonl.gz' : 'export.jsonl'))
  if (settings.configFile !== null) rememberConfig(dataDirectory, settings.configFile)
  printOne(
    settings.output,
    { dataDirectory, of: header.of, bounds: header.bounds, contracts: header.contracts, redacted: header.redacted },
    () => {
      const contracts = header.contracts.map(({ type, version }) => `${type}@${version}`).join(', ')
      const redacted = header.redacted.length === 0 ? '' : `; without the values of ${header.redacted.join(', ')}`
      return `${header.of}, decided by ${contracts}${redacted}, is in ${dataDirectory}: signalbox replay run --data-dir ${dataDirectory}`
    },
  )
  await log.close()
  return exitCodes.ok
}

export interface TestFlags {
  readonly out?: string
  readonly intent?: readonly string[]
}

/** How many decisions a test pins by name where none is named. */
const mostPinned = 200

/** Writes a vitest file that decides the export's intents again and expects what the log says. */
export async function writeTest(settings: Settings, file: string, flags: TestFlags): Promise<number> {
  const { config, configFile } = settings
  if (config === null || configFile === null) {
    contractsOf(settings)
    return exitCodes.usage
  }
  const incident = await openIncident(resolve(file), config)
  const pinned = [...incident.recorded].filter(
    ([intentId]) => !intentId.startsWith('(') && (flags.intent === undefined || flags.intent.includes(intentId)),
  )
  const missing = (flags.intent ?? []).filter((intentId) => !incident.recorded.has(intentId))
  if (missing.length > 0)
    throw new CommandError(
      'notFound',
      `${file} has no intent ${missing.join(', ')}; signalbox intent list --file ${file} lists those that it has`,
    )
  const out = resolve(flags.out ?? `${basename(file).replace(/\.jsonl(\.gz)?$/, '')}.test.ts`)
  const told = flags.intent === undefined ? pinned.filter(([, { outcome }]) => outcome !== 'committed').slice(0, mostPinned) : pinned
  makeFolder(dirname(out))
  replaceFile(out, testText(pathFrom(out, file), pathFrom(out, configFile), file, told, incident.recorded.size))
  const differ = [...incident.recorded].filter(([intentId, { code, outcome }]) => {
    const again = incident.decisions.get(intentId)
    return again?.outcome !== outcome || again.code !== code
  })
  if (differ.length > 0)
    say(`${differ.length} of these decisions fall otherwise by the contracts as they are now: the test says so until they do not`)
  printOne(
    settings.output,
    { file: out, pinned: told.length },
    () => `${out} pins ${told.length} decisions one by one, and all ${incident.recorded.size} together`,
  )
  return exitCodes.ok
}

function pathFrom(out: string, file: string): string {
  const path = relative(dirname(out), resolve(file)).replaceAll('\\', '/')
  return path.startsWith('.') ? path : `./${path}`
}

function testText(
  exportPath: string,
  configPath: string,
  name: string,
  told: readonly (readonly [string, DecidedAgain])[],
  count: number,
): string {
  const title = basename(name).replace(/\.jsonl(\.gz)?$/, '')
  const cases = told.map(([intentId, { code, message, outcome }]) => {
    const expected = code === null ? `{ outcome: '${outcome}' }` : `{ outcome: '${outcome}', code: '${code}' }`
    const why = message === null ? '' : `    // ${message.replaceAll(/\s+/g, ' ').slice(0, 160)}\n`
    return `  it('${intentId} is ${outcome}${code === null ? '' : ` ${code}`}', () => {\n${why}    expect(incident.decision('${intentId}')).toMatchObject(${expected})\n  })\n`
  })
  return `/**
 * The incident ${title}: its intents decided again by the contracts as they are. What should fall otherwise from now on: change what is
 * expected here, then the contract.
 */
import { type Incident, openIncident } from '@signalbox/replay'
import { beforeAll, describe, expect, it } from 'vitest'
import config from '${configPath}'

describe('${title.replaceAll("'", '')}', () => {
  let incident: Incident
  beforeAll(async () => {
    incident = await openIncident(new URL('${exportPath}', import.meta.url), config)
  })

  it('has its ${count} intents decided as the log says, but for those below', () => {
    const below = new Set([${told.map(([intentId]) => `'${intentId}'`).join(', ')}])
    for (const [intentId, { code, outcome }] of incident.recorded)
      if (!below.has(intentId)) expect(incident.decisions.get(intentId), intentId).toMatchObject({ outcome, code })
  })

${cases.join('\n')}})
`
}
