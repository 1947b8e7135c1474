/** The environment, read in this one place: a variable that is empty, or holds spaces alone, is not set. */
import { nearest } from '@signalbox/contract'
import { CommandError } from './exit-codes.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export function environment(variables: Environment = process.env): Environment {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value.trim() !== ''))
}

const known = [
  'ACLS',
  'ALLOWED_HOSTS',
  'CACHE_DIR',
  'CONFIG',
  'DATA_DIR',
  'FILE',
  'HEADERS',
  'HOST',
  'HUMAN',
  'KEYS',
  'LOG',
  'LOG_LEVEL',
  'MAX_STREAMS',
  'MIN_IN_SYNC_REPLICAS',
  'OUTPUT',
  'PARTITIONS',
  'PORT',
  'PROJECTOR_HISTORY',
  'PROJECTOR_PORT',
  'PROJECTOR_STORE',
  'PROJECTOR_STORE_FILE',
  'REPLICATION_FACTOR',
  'TRUST_NETWORK',
  'URL',
].map((name) => `SIGNALBOX_${name}`)

/** Kubernetes sets them for a service of the name signalbox. */
const ofKubernetes = /^SIGNALBOX_(?:.*_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.*)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_.*)?)$/

/** A line for each variable that looks like a setting and is none. */
export function unknownVariables(variables: Environment = environment()): readonly string[] {
  return Object.keys(variables)
    .filter((name) => name.startsWith('SIGNALBOX_') && !known.includes(name) && !ofKubernetes.test(name))
    .map((name) => {
      const meant = nearest(name, known)
      return `warning: ${name} is set, and there is no such setting${meant === null ? '; unset it' : `; did you mean ${meant}?`}`
    })
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** Of what services log. Throws CommandError (usage). */
export function logLevel(otherwise: (typeof levels)[number]): string {
  const level = environment().SIGNALBOX_LOG_LEVEL ?? otherwise
  if (levels.some((each) => each === level)) return level
  throw new CommandError('usage', `SIGNALBOX_LOG_LEVEL takes ${levels.join(', ')}, not ${level}`)
}
