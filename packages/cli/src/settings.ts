/** Where every command gets its settings from: flag, then environment, then signalbox.config.ts, then default. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { readGatewayAddress } from '@signalbox/client'
import { type ContractSet, contractSet, type SignalboxConfig } from '@signalbox/contract'
import { rememberedConfig } from './data-directory.ts'
import { type Environment, environment } from './environment.ts'
import { CommandError } from './exit-codes.ts'
import { configIn, loadModule } from './load-module.ts'
import type { OutputFormat } from './output.ts'

/** The flags that every command takes. */
export interface CommonFlags {
  readonly config?: string
  readonly dataDir?: string
  readonly log?: string
  readonly file?: string
  readonly url?: string
  readonly header?: readonly string[]
  readonly keys?: string
  readonly output?: string
  readonly json?: boolean
}

export interface Settings {
  readonly configFile: string | null
  readonly config: SignalboxConfig | null
  readonly dataDirectory: string
  readonly log: 'sqlite' | 'kafka'
  /** An exported log to read in place of the log; null where there is none. */
  readonly file: string | null
  readonly url: string
  /** Whether the address was named by flag or environment: then reads go there instead of to the log. */
  readonly urlIsGiven: boolean
  /** Sent to the gateway with every request. They may hold secrets: nothing prints them. */
  readonly headers?: Readonly<Record<string, string>>
  /** Where the keys of personal data lie; null where none are named. */
  readonly keysDirectory: string | null
  readonly output: OutputFormat
}

const defaultUrl = 'http://127.0.0.1:7070'

/** Throws CommandError (usage) for a setting that has no allowed value. */
export async function readSettings(flags: CommonFlags, variables: Environment = environment()): Promise<Settings> {
  const output = flags.json === true ? 'json' : (flags.output ?? variables.SIGNALBOX_OUTPUT ?? 'text')
  if (output !== 'text' && output !== 'json' && output !== 'jsonl')
    throw new CommandError('usage', `--output takes text, json or jsonl, not ${output}`)
  const namedDirectory = flags.dataDir ?? variables.SIGNALBOX_DATA_DIR
  const configFile = await findConfig(flags.config ?? variables.SIGNALBOX_CONFIG, resolve(namedDirectory ?? '.signalbox'))
  const config = configFile === null ? null : configIn(configFile, (await loadModule(configFile)).default)
  const brokers = variables.KAFKA_BROKERS ?? variables.KAFKA_BOOTSTRAP_SERVERS ?? null
  const namedLog = flags.log ?? variables.SIGNALBOX_LOG ?? config?.log
  const file = flags.file ?? variables.SIGNALBOX_FILE ?? null
  // A guess would read or write another log than was meant.
  if (namedLog === undefined && brokers !== null && namedDirectory !== undefined && file === null)
    throw new CommandError(
      'usage',
      `${flags.dataDir === undefined ? 'SIGNALBOX_DATA_DIR' : '--data-dir'} names the folder of an embedded log, and KAFKA_BROKERS names Kafka; say which log is meant: --log sqlite, or --log kafka (the folder is then that of read models)`,
    )
  const log = namedLog ?? (brokers === null ? 'sqlite' : 'kafka')
  if (log !== 'sqlite' && log !== 'kafka') throw new CommandError('usage', `--log takes sqlite or kafka, not ${log}`)
  if (log === 'kafka' && brokers === null)
    throw new CommandError('usage', 'the log is Kafka, and KAFKA_BROKERS is not set; set it to HOST:PORT of your brokers')
  const givenUrl = flags.url ?? variables.SIGNALBOX_URL
  const url = givenUrl ?? config?.url ?? defaultUrl
  refuseNoAddress(url)
  return {
    configFile,
    config,
    dataDirectory: resolve(namedDirectory ?? config?.dataDirectory ?? '.signalbox'),
    log,
    file,
    url,
    urlIsGiven: givenUrl !== undefined,
    headers: headersOf(flags.header, variables.SIGNALBOX_HEADERS),
    keysDirectory: keysDirectoryOf(flags.keys ?? variables.SIGNALBOX_KEYS ?? config?.keys),
    output,
  }
}

function refuseNoAddress(url: string): void {
  try {
    readGatewayAddress(url)
  } catch (cause) {
    throw new CommandError('usage', `${(cause as Error).message} (--url, SIGNALBOX_URL, or url of the config)`, { cause })
  }
}

/** Of the flags, or else of the lines of the variable. What is wrong is told without its value, which may be a secret. */
function headersOf(flags: readonly string[] | undefined, variable: string | undefined): Readonly<Record<string, string>> {
  const lines = flags ?? (variable ?? '').split(/\r?\n/).filter((line) => line.trim() !== '')
  const from = flags === undefined ? 'SIGNALBOX_HEADERS' : '--header'
  return Object.fromEntries(
    lines.map((line, index) => {
      const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line.trim())
      if (match !== null) return [match[1]!.toLowerCase(), match[2]!]
      throw new CommandError('usage', `${from} takes headers as NAME: VALUE, a line each, and number ${index + 1} is none`)
    }),
  )
}

function keysDirectoryOf(name: string | undefined): string | null {
  return name === undefined ? null : resolve(name)
}

async function findConfig(named: string | undefined, dataDirectory: string): Promise<string | null> {
  if (named !== undefined) {
    const file = resolve(named)
    if (!existsSync(file)) throw new CommandError('usage', `there is no config at ${file}; name one with --config`)
    return file
  }
  const here = resolve('signalbox.config.ts')
  if (existsSync(here)) return here
  // A log remembers by which config it was made, so that a reader need not say it again.
  return await rememberedConfig(dataDirectory)
}

/** The contracts of the config. Throws CommandError (usage) where there is none. */
export function contractsOf(settings: Settings): ContractSet {
  if (settings.config === null) {
    throw new CommandError(
      'usage',
      'there is no signalbox.config.ts here, so no contract to decide by; write one, or name one with --config (an example: packages/examples/src/bookings/signalbox.config.ts)',
    )
  }
  return contractSet(settings.config.contracts)
}
