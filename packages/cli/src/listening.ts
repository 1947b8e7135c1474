/** Where services listen, as flags, the environment and the config say. */
import { isHostName, type ListenSettings } from '@signalbox/http'
import { environment } from './environment.ts'
import { CommandError } from './exit-codes.ts'
import { wholeNumber } from './numbers.ts'
import type { Settings } from './settings.ts'

/** The flags of `up`, and of each service that runs alone. */
export interface ServiceFlags {
  readonly host?: string
  readonly port?: string
  readonly allowedHost?: readonly string[]
  readonly acceptIncompatible?: boolean
}

/** Where to listen, by flag, else as the gateway's address says. */
export function listenAddress(settings: Pick<Settings, 'url'>, flags: ServiceFlags): ListenSettings {
  const url = new URL(settings.url)
  const givenPort = flags.port ?? environment().SIGNALBOX_PORT
  const ofFlag = flags.port === undefined ? 'SIGNALBOX_PORT' : '--port'
  const port = givenPort === undefined ? Number(url.port || 80) : wholeNumber(ofFlag, givenPort, { most: 65_535 })
  // An address of IPv6 stands in brackets in a URL alone.
  const host = (flags.host ?? environment().SIGNALBOX_HOST ?? url.hostname).replace(/^\[(.*)\]$/, '$1')
  return { host, port, trustNetwork: isNetworkTrusted(), allowedHosts: allowedHosts(flags) }
}

function isNetworkTrusted(): boolean {
  const given = environment().SIGNALBOX_TRUST_NETWORK ?? 'false'
  if (given === 'true' || given === 'false') return given === 'true'
  throw new CommandError('usage', `SIGNALBOX_TRUST_NETWORK takes true or false, not ${given}`)
}

/** As of the gateway; undefined where the environment says nothing of it. */
export function maxStreams(): number | undefined {
  const text = environment().SIGNALBOX_MAX_STREAMS
  return text === undefined ? undefined : wholeNumber('SIGNALBOX_MAX_STREAMS', text, { most: 999_999 })
}

function allowedHosts({ allowedHost }: ServiceFlags): readonly string[] {
  const names = (allowedHost ?? environment().SIGNALBOX_ALLOWED_HOSTS?.replace(/,\s*$/, '').split(',') ?? []).map((name) => name.trim())
  const wrong = names.find((name) => !isHostName(name))
  if (wrong === undefined) return names
  throw new CommandError(
    'usage',
    `${allowedHost === undefined ? 'SIGNALBOX_ALLOWED_HOSTS' : '--allowed-host'} takes names as a browser has them in its address, without scheme and port, like signalbox.example.com, not ${wrong === '' ? 'an empty one' : wrong}`,
  )
}
